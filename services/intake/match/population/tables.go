// Package population makes invented persons in families, and records of them
// as agencies really keep them: misheard, mistyped, half remembered, moved,
// renamed. It is the source of the built-in model and of the scale test. All
// randomness comes from the seed given; nobody in it exists.
package population

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Weighted is a list of values drawn by weight.
type Weighted struct {
	values []string
	upto   []float64
}

// Add appends a value.
func (w *Weighted) Add(value string, weight float64) {
	last := 0.0
	if n := len(w.upto); n > 0 {
		last = w.upto[n-1]
	}
	w.values = append(w.values, value)
	w.upto = append(w.upto, last+weight)
}

// Len is the number of values.
func (w *Weighted) Len() int { return len(w.values) }

func (w *Weighted) draw(u float64) string {
	i := sort.SearchFloat64s(w.upto, u*w.upto[len(w.upto)-1])
	return w.values[min(i, len(w.values)-1)]
}

// Tables are what names and places are drawn from.
type Tables struct {
	Female, Male, Family, Streets, Cities Weighted
}

// zipf adds values with weights falling as 1/(rank+8), which is close to how
// names are spread in registers.
func (w *Weighted) zipf(values []string) {
	for i, v := range values {
		w.Add(v, 1/float64(i+8))
	}
}

// BuiltIn are small tables of common names, with family names and streets
// composed from parts, so that there are some 9,000 family names.
func BuiltIn() *Tables {
	t := &Tables{}
	t.Female.zipf(strings.Fields(femaleNames))
	t.Male.zipf(strings.Fields(maleNames))
	for i, v := range strings.Fields(familyNames) {
		t.Family.Add(v, 12/float64(i+8))
	}
	compose(&t.Family, strings.Fields(familyStarts), strings.Fields(familyEnds), 0.02)
	compose(&t.Streets, strings.Fields(streetStarts), strings.Split(streetEnds, ","), 1)
	t.Cities.zipf(strings.Fields(cityNames))
	return t
}

func compose(w *Weighted, starts, ends []string, weight float64) {
	n := 0
	for _, s := range starts {
		for _, e := range ends {
			n++
			w.Add(s+e, weight/float64(1+n%17))
		}
	}
}

const femaleNames = `Mary Emma Olivia Anna Maria Sofia Aino Helmi Eevi Ella Isla Grace Emily Amelia Chloe Lucy Sarah Jessica
Hannah Charlotte Sophie Elizabeth Katherine Margaret Susan Linda Patricia Barbara Jennifer Rebecca Laura Rachel Amanda Nicole
Victoria Julia Alice Elsa Ida Venla Lilja Kaisa Tuulikki Marjatta Johanna Riikka Päivi Tiina Elina Liisa Kerstin Birgitta Astrid
Ingrid Karin Fatima Aisha Maryam Khadija Zainab Layla Yasmin Amina Halima Samira Natalia Olga Svetlana Irina Tatiana Ekaterina
Oksana Anastasia Daria Ludmila Carmen Lucia Isabel Guadalupe Rosario Teresa Dolores Ana Camila Valentina Mei Ling Xiu Yan Hoa Linh
Thuy Priya Anjali Sunita Lakshmi Nadia Ruth Naomi Esther Judith Agnes Bridget Siobhan Aoife Niamh Megan Bethany Abigail Madeleine
Gabrielle Simone Claudette Nicola Tracy Donna Sharon Denise Michelle Angela Deborah Pauline Maureen Doris Edith Florence Beatrice
Matilda Harriet Josephine Rosemary Theresa Catherine Christina Stephanie Samantha Alexandra Georgina Penelope Philippa Frances`

const maleNames = `James John Oliver Elias Leo Noah Jack Harry George William Thomas Robert Michael David Richard Joseph
Charles Daniel Matthew Anthony Mark Andrew Joshua Christopher Benjamin Samuel Alexander Nicholas Jonathan Timothy Stephen Edward
Peter Kenneth Ronald Gregory Patrick Lawrence Raymond Gerald Henry Arthur Frederick Albert Walter Eino Väinö Onni Oiva Toivo Eetu
Juhani Antero Tapani Matti Mikko Jukka Heikki Pekka Antti Ville Timo Kari Lars Erik Karl Nils Anders Johan Mohammed Ahmed Ali
Hassan Hussein Ibrahim Yusuf Omar Abdullah Abdirahman Mustafa Khalid Ivan Sergei Dmitri Vladimir Aleksandr Mikhail Nikolai Andrei
Boris Oleksandr Jose Juan Carlos Luis Manuel Francisco Antonio Miguel Pedro Diego Wei Jun Ming Hao Minh Tuan Duc Rajesh Arjun Amit
Sanjay Kwame Kofi Emeka Chidi Sean Liam Conor Patrick Declan Rhys Owen Evan Angus Hamish Duncan Isaac Jacob Nathan Aaron Adam Simon
Philip Vincent Leonard Maurice Stanley Victor Theodore Zachary Gabriel Dominic Jeremy Raymond Terence Geoffrey Reginald Rupert`

const familyNames = `Smith Jones Korhonen Virtanen Williams Brown Taylor Johnson Mäkinen Nieminen Davies Wilson Evans Thomas Garcia
Martinez Mohamed Ali Hassan Ahmed Nguyen Tran Ivanov Petrov Johansson Andersson Karlsson Nilsson Lehtonen Hämäläinen Laine
Heikkinen Koskinen Järvinen Lehto Salminen Heinonen Niemi Salonen Laaksonen Tuominen Rantanen Rodriguez Lopez Gonzalez Hernandez
Perez Miller Davis Anderson Jackson White Harris Martin Thompson Robinson Clark Lewis Walker Young Allen King Wright Scott Green
Baker Adams Nelson Hill Campbell Mitchell Roberts Carter Phillips Parker Turner Edwards Collins Stewart Morris Murphy Kelly Ryan
OBrien Byrne Walsh MacDonald Murray Robertson Hussein Ibrahim Abdi Warsame Yusuf Omar Singh Patel Khan Kumar Sharma Chen Wang Li
Zhang Liu Kowalski Nowak Wojcik Kaminska Kuznetsov Sokolov Popov Shevchenko Kovalenko Bondarenko`

const familyStarts = `Ash Beck Birch Black Brad Bridge Brook Burn Cald Carl Chat Church Clay Cool Cran Crom Dal Dun East Ed Elm
Fair Fern Field Ford Fox Gar Gil Glen Gran Green Had Hal Har Hart Hay Hazel Hether High Hol Hop Hor Kel Ken King Kirk Lang Law Lin
Lock Long Mar May Mel Mer Mil Mon Nor North Oak Old Os Park Pem Pres Rad Red Ridge Rock Ros Row Sal San Sel Shel Sher South Stan
Sto Strat Sut Thorn Tan Up Wal War Wat Wel West Whit Wil Win Wood Yar Ahola Aho Haapa Harju Heikki Hieta Honka Hirvi Jauho Kallio
Kanga Karhu Kataja Kivi Koivu Korpi Koski Kuusi Laakso Lahti Lampi Leppä Luoto Metsä Mänty Myllu Mäki Niini Niitty Nurmi Oja Paju
Pelto Perä Pihla Pohja Ranta Rauta Ruoho Saari Salo Sauna Suo Syrjä Talvi Tammi Uusi Vaara Valko Vesi Viita Öster Väster Lind
Lund Berg Dahl Ek Gran Hag Holm Sand Sjö Ström`

const familyEnds = `ton ley field ford ham worth wood well by dale land man son shaw more croft combe stead brook bury gate
hurst ridge water wick bourne nen la lä mäki niemi järvi koski aho lahti ranta saari vaara virta salo suo harju oja joki berg
ström gren qvist strand man lund dal blom`

const streetStarts = `Church Mill Station Park School Victoria Queen King Albert Forest Garden Lake River Hill Spring Chestnut
Maple Cedar Willow Orchard Meadow Bridge Market Castle Abbey Chapel Harbour Sunset Highland Lincoln Koulu Kauppa Asema Kirkko
Puisto Ranta Metsä Mäki Niitty Koivu Kuusi Mänty Tammi Lepän Pihlaja Satama Torni Linna Silta Myllu Pelto Vuori Saari Lammin
Aleksanterin Mannerheimin Hämeen Turun Porin Vaasan Kuopion Oulun`

const streetEnds = ` Street, Road, Lane, Avenue, Close, Drive, Crescent,katu,tie,polku,kuja,rinne,raitti`

const cityNames = `Ashford Brackley Calder Dunmore Eastleigh Fairholm Glenford Hartwell Kingsbridge Langley Marston Newbridge
Oakham Penrose Redhill Stanmore Thornbury Upton Westbrook Yarwood Koskela Rantala Kivimäki Lahdenpohja Metsola Niemelä Ojala
Pohjola Saarela Tammisto Uusikylä Valkola Harjula Kallio Mäkelä Peltola Suonio Vaarala Virtala Åkerby Lindhamn Sandvik Bergholm`

// Load reads tables from a folder of files of lines "value,count": female.csv
// or females.csv, male(s).csv, family.csv, surname-freq.csv or last_names.csv,
// streets.csv or address1-freq.csv, cities.csv, suburb-freq.csv or
// us-cities.csv, and givenname-freq.csv for both sexes. A table with no file
// is the built-in one.
func Load(folder string) (*Tables, error) {
	t := BuiltIn()
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("frequency table folder: %s is no folder", folder)
	}
	for _, f := range []struct {
		into  *Weighted
		names []string
	}{
		{&t.Female, []string{"female.csv", "females.csv", "givenname-freq.csv"}},
		{&t.Male, []string{"male.csv", "males.csv", "givenname-freq.csv"}},
		{&t.Family, []string{"family.csv", "last_names.csv", "surname-freq.csv"}},
		{&t.Streets, []string{"streets.csv", "address1-freq.csv"}},
		{&t.Cities, []string{"cities.csv", "us-cities.csv", "suburb-freq.csv"}},
	} {
		for _, name := range f.names {
			fh, err := os.Open(filepath.Join(folder, name))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("frequency table: %w", err)
			}
			w, err := readWeighted(fh)
			if cerr := fh.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				return nil, fmt.Errorf("frequency table %s: %w", name, err)
			}
			*f.into = *w
			break
		}
	}
	return t, nil
}

func readWeighted(r io.Reader) (*Weighted, error) {
	w := &Weighted{}
	sc := bufio.NewScanner(r)
	for line := 1; sc.Scan(); line++ {
		text := strings.TrimSpace(sc.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		value, count, ok := strings.Cut(text, ",")
		n, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
		if !ok || err != nil || n < 0 {
			return nil, fmt.Errorf("line %d: want value,count", line)
		}
		if value = strings.TrimSpace(value); value != "" && n > 0 {
			w.Add(value, n)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if w.Len() == 0 {
		return nil, fmt.Errorf("no values")
	}
	return w, nil
}
