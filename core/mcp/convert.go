package mcp

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/eryx-go/eryx/core"
)

// resultOf is what a tool's answer is for the program: its structured content if it has some; a single text that is
// JSON as the value; and else {"text": the texts, a line each}, with the list "content" of everything where not all
// is text (images are in there, in base64). An answer that says it is an error is one.
func resultOf(result *sdk.CallToolResult) (any, error) {
	if result.IsError {
		return nil, core.CallbackErrorf("tool", "%s", errorText(result))
	}
	if text, ok := result.StructuredContent.(string); ok { // see verbatim
		return parseJSON(text)
	}
	texts, allText := textsOf(result.Content)
	if len(result.Content) == 1 && allText {
		if value, err := parseJSON(texts[0]); err == nil {
			return value, nil
		}
	}
	value := map[string]any{"text": strings.Join(texts, "\n")}
	if allText {
		return value, nil
	}
	text, err := json.Marshal(result.Content)
	if err != nil {
		return nil, err
	}
	value["content"], err = parseJSON(string(text))
	return value, err
}

func textsOf(contents []sdk.Content) (texts []string, all bool) {
	all = true
	for _, content := range contents {
		if text, ok := content.(*sdk.TextContent); ok {
			texts = append(texts, text.Text)
		} else {
			all = false
		}
	}
	return texts, all
}

func errorText(result *sdk.CallToolResult) string {
	texts, _ := textsOf(result.Content)
	if text := strings.Join(texts, "\n"); strings.TrimSpace(text) != "" {
		return text
	}
	return "the tool failed and did not say why"
}

// parseJSON is a JSON text's value, its numbers as they were written.
func parseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	return value, nil
}

// checkArguments refuses what JSON has no word for: encoding/json would silently make text of bytes.
func checkArguments(value any, path string) error {
	switch v := value.(type) {
	case []byte:
		return core.CallbackErrorf("invalid_arguments", "argument %s: bytes cannot be passed to an MCP tool; encode them as text", path)
	case []any:
		for _, item := range v {
			if err := checkArguments(item, path); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			inner := name
			if path != "" {
				inner = path + "." + name
			}
			if err := checkArguments(item, inner); err != nil {
				return err
			}
		}
	}
	return nil
}
