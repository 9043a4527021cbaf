module github.com/surehook/surehook/clients/go

go 1.23
