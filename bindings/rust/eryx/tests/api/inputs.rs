//! Arguments that make no sense.

use eryx::{Callback, CallbackError, Sandbox, Session, Volume};

use crate::support::block_on;

#[test]
fn settings_that_make_no_sense_are_refused() {
    block_on(async {
        let callback = |name: &str| Callback::inline(name, |()| Ok::<_, CallbackError>(1));
        for name in ["print", "lambda", "invoke", ""] {
            let error = Sandbox::builder().with_callback(callback(name)).build().await.err();
            assert_eq!(error.as_ref().map(eryx::Error::code), Some("invalid"), "{name}: {error:?}");
        }
        let missing = Volume::read_only("/no/such/folder", "/data/x");
        assert!(Sandbox::builder().with_volume(missing).build().await.is_err());
        let schema = Callback::inline("f", |()| Ok::<_, CallbackError>(1)).with_schema(&serde_json::json!(17));
        assert_eq!(Sandbox::builder().with_callback(schema).build().await.unwrap_err().code(), "invalid");
    });
}

#[test]
fn source_that_is_no_source() {
    block_on(async {
        let session = Session::builder().build().await.unwrap();
        let error = session.execute("x = '\0'").await.unwrap_err();
        assert!(["invalid", "python"].contains(&error.code()), "{error:?}");
        let error = session.execute("x = (").await.unwrap_err();
        assert_eq!(error.python().unwrap().r#type, "SyntaxError");
    });
}
