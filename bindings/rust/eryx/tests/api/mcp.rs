//! MCP: this process's own example is the server.

use eryx::{McpManager, McpServer, Sandbox};

use crate::support::block_on;

/// The example `mcp_server`, which is a sandbox as an MCP server.
fn server() -> McpServer {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples/mcp_server");
    McpServer { name: "python".to_owned(), command: example.to_string_lossy().into_owned(), ..McpServer::default() }
}

#[test]
fn tools_of_a_server_are_called() {
    block_on(async {
        let mcp = McpManager::new().await.unwrap();
        assert_eq!(mcp.connect(server()).await.unwrap(), 1);
        assert_eq!(mcp.server_names().await.unwrap(), ["python"]);
        let tools = mcp.list_tools().await.unwrap();
        assert_eq!((tools[0].tool.as_str(), tools[0].server.as_str()), ("run_python", "python"));
        assert!(tools[0].name.starts_with("mcp.python.") && tools[0].schema.contains("code"));
        let sandbox = Sandbox::builder().with_mcp(&mcp).build().await.unwrap();
        let result = sandbox.execute("print(await mcp.python.run_python(code='print(6 * 7)'))").await.unwrap();
        assert!(result.stdout_text().contains("42"), "{result}");
        mcp.close().await.unwrap();
    });
}

#[test]
fn servers_are_found_in_files() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mcp.json");
        let command = server().command;
        let config = serde_json::json!({"mcpServers": {
            "python": {"command": command, "args": ["--quiet"], "env": {"A": "1"}},
            "broken": {"command": "/no/such/program"},
        }});
        std::fs::write(&file, config.to_string()).unwrap();
        let found = McpManager::discover(Some(&[&file])).await.unwrap();
        let mut names: Vec<_> = found.servers.iter().map(|server| server.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["broken", "python"]);
        let python = found.servers.iter().find(|server| server.name == "python").unwrap();
        assert_eq!((python.args.as_slice(), python.env["A"].as_str()), (&["--quiet".to_owned()][..], "1"));
        let mcp = McpManager::new().await.unwrap();
        let outcome = mcp.connect_all(Some(&[&file])).await.unwrap();
        assert_eq!(outcome.failures.len(), 1);
        assert_eq!(outcome.failures[0].0, "broken");
        assert_eq!(mcp.server_names().await.unwrap(), ["python"]);
        assert!(McpManager::discover(Some(&[std::path::Path::new("/no/such/file")])).await.is_err());
    });
}
