package mcp

import (
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// transport is the SDK's connection over a server's standard input and output, with two parts of its answers kept as
// they were written: see verbatim.
type transport struct{ process *process }

// Connect implements sdk.Transport.
func (t transport) Connect(ctx context.Context) (sdk.Connection, error) {
	inner, err := (&sdk.IOTransport{Reader: t.process, Writer: t.process}).Connect(ctx)
	if err != nil {
		return nil, err
	}
	return connection{inner}, nil
}

type connection struct{ sdk.Connection }

// Read implements sdk.Connection.
func (c connection) Read(ctx context.Context) (jsonrpc.Message, error) {
	message, err := c.Connection.Read(ctx)
	if response, ok := message.(*jsonrpc.Response); ok && err == nil {
		response.Result = verbatim(response.Result)
	}
	return message, err
}

// verbatim puts the text of schemas and of structured results in their place, as a JSON string. The SDK reads both
// into maps and floats, which have neither the order of parameters nor integers.
func verbatim(result json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(result, &fields) != nil {
		return result
	}
	changed := quote(fields, "structuredContent")
	var tools []map[string]json.RawMessage
	if text, ok := fields["tools"]; ok && json.Unmarshal(text, &tools) == nil {
		for _, tool := range tools {
			changed = quote(tool, "inputSchema") || changed
		}
		fields["tools"] = encoded(tools)
	}
	if !changed {
		return result
	}
	return encoded(fields)
}

// quote makes a field that is there, and not null, a string with its text.
func quote(fields map[string]json.RawMessage, name string) bool {
	text, ok := fields[name]
	if !ok || string(text) == "null" {
		return false
	}
	fields[name] = encoded(string(text))
	return true
}

// encoded is v as JSON; v is made of what was JSON before.
func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("mcp: JSON that was valid is not any more: " + err.Error())
	}
	return text
}
