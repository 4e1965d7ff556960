//! nginx: smooth weighted round robin, and least connections.

use counterpart::conform::process::Process;
use counterpart_models::load_balancer::model::{Balancer, Policy, Quirk};

use super::{PLACES, Running, check, weighted};
use crate::alongside::Alongside;
use crate::daemon::{Daemon, Folder, NGINX, free_port};
use crate::nginx;
use crate::servers::Servers;

const DAEMON: &Daemon = &NGINX;

pub(super) fn cases() -> Vec<Alongside> {
    let least = Balancer::of(Policy::LeastConnections, &[1, 1, 1], 2);
    let in_turn = Balancer { quirks: vec![Quirk::TiesInTurn], ..least.clone() };
    let unequal = Balancer { quirks: in_turn.quirks.clone(), ..Balancer::of(Policy::LeastConnections, &[2, 1], 3) };
    vec![
        Alongside::new(
            DAEMON,
            "load_balancer/nginx_weighted",
            "smooth weighted round robin, weights 5, 1, 1",
            check::<Nginx>(weighted(Policy::SmoothWeighted)),
        ),
        Alongside::deviating(
            DAEMON,
            "load_balancer/nginx_least_conn",
            "`least_conn`, equal weights",
            check::<Nginx>(least),
            "all servers are idle, and the first was chosen last: of servers that are equally busy nginx takes the \
                     one whose turn it is, not the first of the list",
        ),
        Alongside::new(
            DAEMON,
            "load_balancer/nginx_least_conn_but_for_ties",
            "`least_conn`, equal weights, where ties go in turn",
            check::<Nginx>(in_turn),
        ),
        Alongside::new(
            DAEMON,
            "load_balancer/nginx_least_conn_weighted",
            "`least_conn`, weights 2, 1, where ties go in turn",
            check::<Nginx>(unequal),
        ),
    ]
}

struct Nginx {
    _process: Process,
    ports: Vec<u16>,
    _folder: Folder,
}

impl Running for Nginx {
    const DAEMON: &'static Daemon = DAEMON;

    fn start(model: &Balancer, servers: &Servers) -> Self {
        let folder = Folder::new();
        let method = if model.policy == Policy::LeastConnections { "least_conn;" } else { "" };
        let listed: String = servers
            .ports()
            .iter()
            .zip(&model.weights)
            .map(|(port, weight)| format!("server 127.0.0.1:{port} weight={weight} max_fails=0;\n"))
            .collect();
        let ports: Vec<u16> = (0..PLACES).map(|_| free_port()).collect();
        // A run that ends lets go of both ends of a request: nobody is to be asked for it again, by whoever is next.
        let place = |(place, port): (usize, &u16)| {
            format!(
                "upstream servers{place} {{ {method}\n{listed} }}
                 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://servers{place}; proxy_next_upstream off; }} }}\n"
            )
        };
        let http: String = ports.iter().enumerate().map(place).collect();
        Nginx { _process: nginx::start(&folder, &http, None), ports, _folder: folder }
    }

    fn ports(&self) -> &[u16] {
        &self.ports
    }
}
