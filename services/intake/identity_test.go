package intake_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/services/intake"
	"github.com/hearthfps/hearth/services/intake/identity"
)

const personsPath = "/intake/v1/persons/"

// familyView is what a referral's answer tells of others.
type familyView struct {
	Persons []struct {
		Person string `json:"person_id"`
	}
	Family struct {
		Items []struct {
			Referral string   `json:"referral_id"`
			Status   string   `json:"status"`
			Case     string   `json:"case_id"`
			Because  []string `json:"because"`
		}
	} `json:"family_history"`
}

// Two referrals of one family under different spellings: somebody is asked, decides
// that they are one, both referrals show the other; it was a mistake, it is taken
// back, and all is as it was. The events tell the other services, and nothing else.
func TestIntake_OneFamilyUnderTwoSpellingsAndBack(t *testing.T) {
	h := apptest.Start(t, intake.Service())
	first := send(h, submission("a", "standard"))
	again := strings.NewReplacer("Canaryada", "Canaryadda", "Canarykoski", "Canaryvalio", "Canarybo", "Canaryboo", "+358401234567", "+358509876543", "2018-05-01", "2018-01-05", "Canarykatu 1", "Muu katu 7", "90100", "90500").
		Replace(submission("b", "standard"))
	second := send(h, again)
	worker := h.As(auth.RoleIntakeWorker, "worker-1")
	officer := h.As(auth.RoleRecordsOfficer, "records-1")
	look := func(v verdict) familyView {
		return apitest.Read[familyView](worker.Get(v.path()).Want(200))
	}
	before := [2]familyView{look(first), look(second)}
	if len(before[0].Family.Items) != 0 || len(before[1].Family.Items) != 0 {
		t.Fatalf("linked unasked, and nothing is left to show: %+v", before)
	}

	var queue struct {
		Items []struct {
			Pair string `json:"pair_id"`
		}
	}
	officer.Get("/intake/v1/match-reviews").Want(200).Into(&queue)
	if len(queue.Items) == 0 {
		t.Fatal("nobody is asked")
	}
	var decided struct {
		Decisions []struct {
			Merge string `json:"merge_id"`
		}
	}
	pair := "/intake/v1/match-reviews/" + queue.Items[0].Pair
	officer.Post(pair+":decide", map[string]any{"decision": "same", "reason_code": "documents_seen", "despite": []string{"birth_dates_differ"}}, apitest.IfMatch(`"1"`)).Want(200).Into(&decided)

	for n, v := range []verdict{first, second} {
		other := []verdict{second, first}[n].Referral
		if items := look(v).Family.Items; len(items) != 1 || items[0].Referral != other || !slices.Equal(items[0].Because, []string{"person"}) {
			t.Errorf("decided the same, and %d shows %+v", n, items)
		}
	}
	merged := h.WaitEvents(identity.TypeMerged, 1)[0]
	var told identity.PersonMerged
	if err := json.Unmarshal(merged.Data, &told); err != nil || len(told.Records) != 2 || merged.Key != identity.Key || string(told.Merge) != decided.Decisions[0].Merge {
		t.Fatalf("told %s under key %s: %v", merged.Data, merged.Key, err)
	}
	for _, id := range told.Records {
		var p struct {
			Person string `json:"person_id"`
		}
		worker.Get(personsPath + string(id)).Want(200).Into(&p)
		if p.Person != string(told.Person) {
			t.Errorf("%s is answered as %s, want %s", id, p.Person, told.Person)
		}
	}

	tag := officer.Get(personsPath + string(told.Absorbed) + "/identity").Want(200).ETag()
	officer.Post(personsPath+string(told.Absorbed)+":unmerge", map[string]string{"merge_id": decided.Decisions[0].Merge, "reason_code": "two_persons"}, apitest.IfMatch(tag)).Want(200)
	if diff := cmp.Diff(before, [2]familyView{look(first), look(second)}); diff != "" {
		t.Errorf("taken back, and not as before: %s", diff)
	}
	parted := h.WaitEvents(identity.TypeUnmerged, 1)[0]
	var back identity.PersonUnmerged
	if err := json.Unmarshal(parted.Data, &back); err != nil || back.Person != told.Person || back.Parted != told.Absorbed {
		t.Errorf("told %s: %v", parted.Data, err)
	}
	noCanary(h)
}
