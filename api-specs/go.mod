module github.com/hearthfps/hearth/api-specs

go 1.26.0
