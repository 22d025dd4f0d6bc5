// Command etcd is the server of go.etcd.io/etcd, which cannot be built with "go install pkg@version".
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
