// Reads objects as JSON, one after the other, and answers each with a line: what kstatus says of
// it, by which Flux and Helm 4 wait, and what Argo CD says by the Lua script that is named.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// patience is how long Argo CD lets a script run.
const patience = time.Second

// opened are the libraries that Argo CD opens for a script of argocd-cm, apart from the clock
// of os: neither string nor math.
var opened = map[string]lua.LGFunction{
	lua.LoadLibName: lua.OpenPackage,
	lua.BaseLibName: lua.OpenBase,
	lua.TabLibName:  lua.OpenTable,
}

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type verdict struct {
	Kstatus string `json:"kstatus"`
	Health  health `json:"health"`
}

func main() {
	script, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = judgeAll(os.Stdin, os.Stdout, string(script))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judgeAll(in io.Reader, out io.Writer, script string) error {
	read, told := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var raw json.RawMessage
		if err := read.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(raw); err != nil {
			return err
		}
		result, err := judge(object, script)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", object.GetKind(), object.GetName(), err)
		}
		if err := told.Encode(result); err != nil {
			return err
		}
	}
}

func judge(object *unstructured.Unstructured, script string) (verdict, error) {
	computed, err := status.Compute(object)
	if err != nil {
		return verdict{}, err
	}
	judged, err := healthOf(object, script)
	return verdict{string(computed.Status), judged}, err
}

func healthOf(object *unstructured.Unstructured, script string) (health, error) {
	// Argo CD asks no script about what is being deleted.
	if object.GetDeletionTimestamp() != nil {
		return health{"Progressing", "Pending deletion"}, nil
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state.SetContext(ctx)
	for name, open := range opened {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", valueOf(state, object.Object))
	if err := state.DoString(script); err != nil {
		return health{}, err
	}
	table, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return health{}, fmt.Errorf("the script returns a %s, not a table", state.Get(-1).Type())
	}
	return health{textIn(table, "status"), textIn(table, "message")}, nil
}

func textIn(table *lua.LTable, name string) string {
	value, _ := table.RawGetString(name).(lua.LString)
	return string(value)
}

func valueOf(state *lua.LState, value any) lua.LValue {
	switch known := value.(type) {
	case bool:
		return lua.LBool(known)
	case string:
		return lua.LString(known)
	case int64:
		return lua.LNumber(known)
	case float64:
		return lua.LNumber(known)
	case []any:
		list := state.NewTable()
		for _, item := range known {
			list.Append(valueOf(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for name, item := range known {
			table.RawSetString(name, valueOf(state, item))
		}
		return table
	}
	return lua.LNil
}
