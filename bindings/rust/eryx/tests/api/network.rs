//! The network and secrets, on loopback.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use eryx::{CallbackError, Error, NetConfig, Sandbox, Scrub, Secret};

use crate::support::block_on;

/// A server that answers each HTTP request with the headers that it got; its address.
fn echo_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && matches!(connection.read(&mut byte), Ok(1)) {
                request.push(byte[0]);
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", request.len());
            let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&request));
        }
    });
    address
}

fn get(address: &str) -> String {
    format!(
        "
import os, urllib.request
request = urllib.request.Request('http://{address}/', headers={{'Authorization': os.environ.get('TOKEN', 'none')}})
try:
    text = urllib.request.urlopen(request).read().decode()
    print([line for line in text.splitlines() if line.startswith('Authorization')][0])
except OSError as e:
    print('refused')
"
    )
}

#[test]
fn without_a_grant_there_is_no_network() {
    block_on(async {
        let code = get(&echo_server());
        let sandbox = Sandbox::builder().build().await.unwrap();
        assert_eq!(sandbox.execute(&code).await.unwrap().stdout, b"refused\n");
        let public = Sandbox::builder().with_network(&NetConfig::default()).build().await.unwrap();
        let result = public.execute(&code).await.unwrap();
        assert_eq!(result.stdout, b"refused\n", "loopback is not public");
        assert!(result.network.iter().any(|event| event.refused.is_some()), "{:?}", result.network);
    });
}

#[test]
fn rules_and_decisions() {
    block_on(async {
        let address = echo_server();
        let attempts: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = attempts.clone();
        let network = NetConfig::default().allow_localhost().allow_host(address.as_str()).on_connect(move |attempt| {
            seen.lock().unwrap().push(format!("{}:{}", attempt.address, attempt.port));
            async { Ok(true) }
        });
        let sandbox = Sandbox::builder().with_network(&network).build().await.unwrap();
        let result = sandbox.execute(&get(&address)).await.unwrap();
        assert_eq!(result.stdout, b"Authorization: none\n");
        assert_eq!(attempts.lock().unwrap().as_slice(), std::slice::from_ref(&address));
        let connect = result.network.iter().find(|event| event.kind == "connect").unwrap();
        assert_eq!(connect.port.map(|port| format!("127.0.0.1:{port}")), Some(address.clone()));

        let never = network.on_connect(async |_| Err(CallbackError::new("not today")));
        let sandbox = Sandbox::builder().with_network(&never).build().await.unwrap();
        assert_eq!(sandbox.execute(&get(&address)).await.unwrap().stdout, b"refused\n");
        let nonsense = NetConfig::default().allow_network("no range");
        let error = Sandbox::builder().with_network(&nonsense).build().await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    });
}

#[test]
fn secrets_are_sent_and_not_seen() {
    block_on(async {
        let address = echo_server();
        let secret = Secret::new("TOKEN", "s3cr3t").allow_host("127.0.0.1");
        assert!(!format!("{secret:?}").contains("s3cr3t"));
        let builder = Sandbox::builder().with_network(&NetConfig::default().allow_localhost()).with_secret(secret);
        let sandbox = builder.clone().build().await.unwrap();
        assert_eq!(sandbox.execute(&get(&address)).await.unwrap().stdout, b"Authorization: s3cr3t\n");
        let placeholder = sandbox.execute("import os; print(os.environ['TOKEN'])").await.unwrap();
        assert_eq!(placeholder.stdout, b"[REDACTED]\n");
        let hidden = builder.clone().with_redact_responses().build().await.unwrap();
        assert!(!hidden.execute(&get(&address)).await.unwrap().stdout_text().contains("s3cr3t"));
        let open = builder.with_scrub(Scrub { stdout: false, ..Scrub::default() }).build().await.unwrap();
        let placeholder = open.execute("import os; print(os.environ['TOKEN'])").await.unwrap();
        assert!(!placeholder.stdout_text().contains("REDACTED") && !placeholder.stdout_text().contains("s3cr3t"));
    });
}
