//! The caller's deadline: `grpc-timeout`, as the gRPC protocol writes it.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tonic::Status;

use super::layers::failed;

/// Ends a call with DEADLINE_EXCEEDED when its caller's time is over.
pub(super) async fn limit(request: Request, next: Next) -> Response {
    let Some(time) = request.headers().get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?))
    else {
        return next.run(request).await;
    };
    let passed =
        || failed(&Status::deadline_exceeded("the caller's deadline passed before the answer was there"));
    tokio::time::timeout(time, next.run(request)).await.unwrap_or_else(|_| passed())
}

/// Up to eight digits and a unit; anything else is no deadline.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_as_the_protocol_writes_them() {
        let seconds = Duration::from_secs;
        let table = [
            ("1H", Some(seconds(3600))),
            ("2M", Some(seconds(120))),
            ("99999999S", Some(seconds(99_999_999))),
            ("1500m", Some(Duration::from_millis(1500))),
            ("7u", Some(Duration::from_micros(7))),
            ("8n", Some(Duration::from_nanos(8))),
            ("999999999S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1s", None),
            ("1ü", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
