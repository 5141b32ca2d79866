//! Several links as one.

mod kinds;
mod route;

pub use kinds::Kinds;
pub use route::{MultiPath, Route, RouteMode, RoutePolicy, RouteRequest, Table};
