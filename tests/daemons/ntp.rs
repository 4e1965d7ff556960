//! chronyd both ways: as the server of our client, and as a client that asks ours.

#[path = "ntp/client.rs"]
mod client;
#[path = "ntp/server.rs"]
mod server;

use crate::alongside::Alongside;

pub(crate) fn cases() -> Vec<Alongside> {
    [client::cases(), server::cases()].concat()
}
