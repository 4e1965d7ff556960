//! `explore`: a model to walk about in, as pages that are served to this machine alone.
//!
//! Nothing is kept between two requests: the way that was chosen stands in the address, so that undoing is a link back
//! and a fork is another tab. What asks from elsewhere is refused: the address bears a token that was drawn for this
//! run, and a request has to name this host and come from no other page.

use std::io::{self, Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

use super::arguments::ExploreArguments;
use super::{Exit, Host, options, say};
use crate::check::{Case, Options};
use crate::trace::file_name;
use crate::view;

/// Steps of a walk by chance.
const WALK: usize = 10;

/// How long a request is waited for before it is seen whether the user wants to end.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is answered: a status, a type, a name to be saved under, and a text.
struct Answer {
    status: u16,
    kind: &'static str,
    file: Option<String>,
    text: String,
}

pub(super) fn run(cases: &[Case], arguments: &ExploreArguments, host: &mut Host) -> io::Result<Exit> {
    let Some(case) = cases.iter().find(|case| case.name() == arguments.case) else {
        say!(host, "error: no case is called {:?}", arguments.case);
        if let Some(near) = super::nearest(cases, &arguments.case) {
            say!(host, "did you mean {near:?}?");
        }
        return Ok(Exit::NothingMatched);
    };
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(io::Error::other)?;
    let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    let server = Server::http("127.0.0.1:0").map_err(io::Error::other)?;
    let place = server.server_addr().to_ip().map(|address| address.to_string()).unwrap_or_default();
    writeln!(host.out, "http://{place}/{token}/")?;
    host.out.flush()?;
    say!(host, "{} can be walked about in there, from this machine alone; end it with Ctrl-C", case.name());
    let guide = Guide { case, options: options(&arguments.limits, false, &host.interrupted), place, token };
    while !host.interrupted.load(Ordering::SeqCst) {
        if let Some(request) = server.recv_timeout(PATIENCE)? {
            let response = response(guide.answer(&request));
            // Who has gone away is told nothing.
            let _ = request.respond(response);
        }
    }
    Ok(Exit::AsExpected)
}

/// Answers requests about a case.
struct Guide<'a> {
    case: &'a Case,
    options: Options,
    place: String,
    token: String,
}

impl Guide<'_> {
    fn answer(&self, request: &Request) -> Answer {
        if let Err(why) = self.allowed(request) {
            return refused(403, why);
        }
        if *request.method() != Method::Get {
            return refused(405, "only GET is answered");
        }
        let within = request.url().strip_prefix('/').and_then(|path| path.strip_prefix(self.token.as_str()));
        let Some(path) = within.and_then(|path| path.strip_prefix('/')) else {
            return refused(404, "the address bears no token of this run");
        };
        let (way, what) = path.split_once('/').unwrap_or((path, ""));
        let way = if way.is_empty() { "0" } else { way };
        let Some(way) = way.split('.').map(|index| index.parse().ok()).collect::<Option<Vec<usize>>>() else {
            return refused(404, "a way is numbers with points between them");
        };
        // A model that panics is told; the next request is answered again.
        let told = catch_unwind(AssertUnwindSafe(|| self.told(&way, what)));
        told.unwrap_or_else(|panic| {
            let words = crate::explore::panic_message(&*panic);
            refused(500, &format!("the model, or an implementation, panics here: {words}"))
        })
    }

    fn told(&self, way: &[usize], what: &str) -> Answer {
        let Some(standing) = self.case.stand(way, &self.options) else {
            return refused(404, "the model has no such way");
        };
        let shown = standing.deviation.as_ref().unwrap_or(&standing.trace);
        match what {
            "" => {
                let walked = self.case.wander(way, WALK, self.options.seed);
                html(view::explorer(&standing, way, &walked, &self.case.look(&standing.trace)))
            }
            "deviation" => html(view::page(shown, Some(&self.case.look(shown)))),
            "save" => {
                let name = file_name(self.case.name(), shown.evidence.name());
                let file = name.file_name().map(|name| name.to_string_lossy().into_owned());
                Answer { status: 200, kind: "application/json", file, text: shown.to_json() }
            }
            _ => refused(404, "there is no such page"),
        }
    }

    /// Whether a request names this host, and comes from no page of another.
    fn allowed(&self, request: &Request) -> Result<(), &'static str> {
        let values = |name: &'static str| {
            let named = move |header: &&Header| header.field.equiv(name);
            request.headers().iter().filter(named).map(|header| header.value.as_str())
        };
        if !values("Host").eq([self.place.as_str()]) {
            return Err("the request is for another host");
        }
        if values("Origin").any(|origin| origin != format!("http://{}", self.place)) {
            return Err("the request comes from another page");
        }
        if values("Sec-Fetch-Site").any(|site| site != "same-origin" && site != "none") {
            return Err("the request comes from another site");
        }
        Ok(())
    }
}

fn html(text: String) -> Answer {
    Answer { status: 200, kind: "text/html; charset=utf-8", file: None, text }
}

fn refused(status: u16, why: &str) -> Answer {
    Answer { status, kind: "text/plain; charset=utf-8", file: None, text: format!("{why}\n") }
}

fn response(answer: Answer) -> Response<Cursor<Vec<u8>>> {
    let mut response = Response::from_string(answer.text).with_status_code(answer.status);
    let mut headers = vec![
        ("Content-Type", answer.kind.to_string()),
        ("X-Content-Type-Options", "nosniff".into()),
        ("Referrer-Policy", "no-referrer".into()),
        ("Cross-Origin-Resource-Policy", "same-origin".into()),
        ("X-Frame-Options", "DENY".into()),
        ("Cache-Control", "no-store".into()),
    ];
    headers.extend(answer.file.map(|file| ("Content-Disposition", format!("attachment; filename=\"{file}\""))));
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    response
}
