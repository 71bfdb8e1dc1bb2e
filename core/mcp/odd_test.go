//go:build unix

package mcp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// oddServer speaks the protocol without the SDK, and says of its tools what the role tells.
func oddServer(role string) int {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				ProtocolVersion string `json:"protocolVersion"`
			} `json:"params"`
		}
		if json.Unmarshal(lines.Bytes(), &request) != nil || request.ID == nil {
			continue
		}
		switch request.Method {
		case "initialize":
			reply(request.ID, `{"protocolVersion":`+strconv.Quote(request.Params.ProtocolVersion)+`,"capabilities":{"tools":{}},"serverInfo":{"name":"odd","version":"1"}}`)
		case "tools/list":
			reply(request.ID, toolsOf(role))
		case "tools/call":
			reply(request.ID, `{"content":[{"type":"text","text":"1"}]}`)
		default:
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`+"\n", request.ID)
		}
	}
	return 0
}

func reply(id json.RawMessage, result string) {
	fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, result)
}

func toolsOf(role string) string {
	tool := func(name, schema string) string {
		return `{"name":` + strconv.Quote(name) + `,"description":"d","inputSchema":` + schema + `}`
	}
	const open = `{"type":"object"}`
	switch role {
	case "spaced":
		return `{"tools":[` + tool("a b", open) + `]}`
	case "twice":
		return `{"tools":[` + tool("a", open) + `,` + tool("a", open) + `]}`
	case "nameless":
		return `{"tools":[` + tool("", open) + `]}`
	case "badschema":
		return `{"tools":[` + tool("odd", `{"type":"object","properties":[1]}`) + `,` + tool("even", `{"type":"object","properties":{"b":{},"a":{}}}`) + `]}`
	case "long":
		return `{"tools":[{"name":"t","description":"` + strings.Repeat("d", 1<<20) + `","inputSchema":{"type":"object","x":"` + strings.Repeat("y", 1<<20) + `"}}]}`
	case "thousands":
		tools := make([]string, maxTools+1)
		for i := range tools {
			tools[i] = tool(fmt.Sprint("t", i), open)
		}
		return `{"tools":[` + strings.Join(tools, ",") + `]}`
	case "pages": // a list without an end
		return `{"tools":[` + tool(fmt.Sprint("t", page()), open) + `],"nextCursor":"more"}`
	}
	return `{"tools":[]}`
}

var pages int

func page() int { pages++; return pages }

// parentServer starts a child that keeps its standard output open and never ends, tells its number as the tool's, and
// dies at the call.
func parentServer() int {
	child := exec.Command("sleep", "1000")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		return 1
	}
	if err := os.WriteFile(os.Getenv("CHILD_FILE"), []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
		return 1
	}
	return oddServer("")
}
