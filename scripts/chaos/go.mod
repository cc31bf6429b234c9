module github.com/hearthfps/hearth/scripts/chaos

go 1.26.0
