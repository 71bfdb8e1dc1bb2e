// Package mcp connects Eryx with the Model Context Protocol (https://modelcontextprotocol.io), in both directions:
// a Manager starts MCP servers and gives their tools to programs as host functions, and Serve offers a sandbox to
// MCP clients as a tool. The protocol is the official SDK's; ours are the processes, the names and the values.
//
// What a server says is not trusted more than it must be: messages, tools and schemas are bounded, a server that does
// not answer is an error after a timeout, and its process ends with the Manager.
package mcp
