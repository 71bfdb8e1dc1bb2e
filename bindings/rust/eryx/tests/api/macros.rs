//! `#[eryx::callback]`.

use eryx::{Callback, CallbackError, Sandbox};
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};

use crate::support::block_on;

#[derive(Deserialize, Serialize, eryx::JsonSchema)]
struct Point {
    x: f64,
    y: f64,
}

/// Doubles a number.
///
/// This is not part of the description.
#[eryx::callback]
async fn double(
    /// What is doubled.
    number: i64,
) -> Result<i64, CallbackError> {
    Ok(number * 2)
}

#[eryx::callback(name = "geometry.move", description = "Moves a point.")]
async fn move_point(point: Point, dx: f64, dy: Option<f64>) -> Point {
    Point { x: point.x + dx, y: point.y + dy.unwrap_or_default() }
}

#[eryx::callback]
fn read_file(name: String) -> Result<String, std::io::Error> {
    if name == "a" { Ok("content".to_owned()) } else { Err(std::io::ErrorKind::NotFound.into()) }
}

#[eryx::callback(inline, timeout_ms = 1000)]
fn constant() -> i64 {
    42
}

#[eryx::callback(stream)]
fn count_down(from: u32) -> impl Stream<Item = Result<u32, CallbackError>> {
    stream::iter((0..from).rev().map(Ok))
}

#[test]
fn functions_become_callbacks() {
    block_on(async {
        let sandbox = Sandbox::builder()
            .with_callback(double)
            .with_callback(move_point)
            .with_callback(read_file)
            .with_callback(constant)
            .with_callback(count_down)
            .build()
            .await
            .unwrap();
        let code = "
print(await double(21), await double(number=4), await constant())
print(await geometry.move({'x': 1, 'y': 2}, 0.5))
print(await read_file('a'), [n async for n in count_down(3)])
try:
    await read_file('b')
except CallbackError as e:
    print('not found' in str(e))
";
        let result = sandbox.execute(code).await.unwrap();
        assert_eq!(result.stdout_text(), "42 8 42\n{'x': 1.5, 'y': 2.0}\ncontent [2, 1, 0]\nTrue\n");
    });
}

#[test]
fn the_schema_is_that_of_the_parameters() {
    let callback = Callback::from(double);
    let schema: serde_json::Value = serde_json::from_str(callback.schema()).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["number"]));
    assert_eq!(schema["properties"]["number"]["description"], "What is doubled.");
    let moved: serde_json::Value = serde_json::from_str(Callback::from(move_point).schema()).unwrap();
    let names: Vec<_> = moved["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["point", "dx", "dy"]);
    assert_eq!(moved["required"], serde_json::json!(["point", "dx"]));
}

#[test]
fn the_function_can_be_called() {
    assert_eq!(block_on(double::call(2)).unwrap(), 4);
    assert_eq!(constant::call(), 42);
}
