//! How much memory a message will take, told from its wire bytes before anything is built from them. A few bytes of
//! protobuf can become thousands in memory: two bytes are an empty element of a list.

mod schema;
mod weigher;

use tonic::{Code, Status};

use super::status::plain;

pub use schema::{Method, Schema};
pub use weigher::{Refusal, Weigher};

impl Refusal {
    /// The refusal as gRPC says it.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Malformed(what) => plain(
                Code::InvalidArgument,
                &format!("the request is no valid protobuf message of its type: {what}"),
                "generate the client from the .proto files of this version",
            ),
            Self::TooDeep { max } => plain(
                Code::InvalidArgument,
                &format!("the request nests messages more than {max} levels deep"),
                "send fewer levels",
            ),
            Self::TooManyElements { max } => plain(
                Code::ResourceExhausted,
                &format!("the request holds more than {max} fields and list elements"),
                "send fewer elements, or put them into files of the repository",
            ),
            Self::TooLarge { max } => plain(
                Code::ResourceExhausted,
                &format!("the elements of the request would take more than {max} bytes of memory"),
                "send fewer elements, or put them into files of the repository",
            ),
        }
    }
}
