module github.com/surehook/surehook/examples

go 1.23

require github.com/surehook/surehook/clients/go v0.0.0

replace github.com/surehook/surehook/clients/go => ../clients/go
