package vrptw
import ("testing";"fmt")
func TestDbg(t *testing.T){
 in:=&Instance{N:2,Dist:[]int32{0,420,420,0},Ready:[]int32{0,0},Due:[]int32{4000,450},Service:[]int32{0,0},Demand:[]int32{0,0},Capacity:50,Fleet:1}
 g:=newGenetic(in,&source{1})
 g.ruin.construct()
 fmt.Println(g.ruin.solution())
 g.best=g.ruin.solution()
 for i:=0;i<5;i++{
 g.random(); fmt.Println(g.local.export(nil))
 x:=g.improve(); fmt.Println(x.routes)
 g.store(x)
 }
 g.cross(g.any(),g.any()); fmt.Println(g.local.export(nil))
}
