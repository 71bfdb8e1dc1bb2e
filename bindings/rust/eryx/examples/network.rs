//! The network, under rules, and a secret that the program sends without seeing it. The server is this program's own.

use std::io::{Read, Write};
use std::net::TcpListener;

use eryx::{NetConfig, Sandbox, Secret};

/// Answers one HTTP request by the header that it was sent.
fn serve_once(listener: &TcpListener) -> std::io::Result<()> {
    let (mut connection, _) = listener.accept()?;
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && connection.read(&mut byte)? == 1 {
        request.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let seen = text.lines().find(|line| line.starts_with("Authorization")).unwrap_or("nothing");
    println!("the server got: {seen}");
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || serve_once(&listener));
    let network = NetConfig::default().allow_localhost().allow_host(address.to_string());
    let secret = Secret::new("API_TOKEN", "s3cr3t").allow_host("127.0.0.1");
    futures::executor::block_on(async {
        let sandbox = Sandbox::builder().with_network(&network).with_secret(secret).build().await?;
        let code = format!(
            "
import os, urllib.request
headers = {{'Authorization': os.environ['API_TOKEN']}}
print(urllib.request.urlopen(urllib.request.Request('http://{address}/', headers=headers)).read().decode())
print('the program has:', os.environ['API_TOKEN'])
"
        );
        print!("{}", sandbox.execute(&code).await?);
        Ok::<_, eryx::Error>(())
    })?;
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
