module example.com/messenger-bench/go-proxy

go 1.22
