//! A sandbox as an MCP server: other programs start it and call its tool `run_python`. It ends when they go.

use eryx::Session;

fn main() -> Result<(), eryx::Error> {
    futures::executor::block_on(eryx::serve(Session::builder()))
}
