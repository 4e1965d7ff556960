//! A picture that others drew, as an image of a page: a browser runs nothing in it and lets it ask for nothing.

use std::fmt::Write;

/// What stateright's actor systems name the shapes of their pictures. They bring no style for them: its own page has it.
const ACTORS_STYLE: &str = "<style>text{font:12px sans-serif}.svg-actor-timeline{stroke:#9a9da6}\
    .svg-event-line{stroke:#1b1b1f}.svg-event-shape{fill:#174a9c}</style>";

/// The address of `svg` that has the picture in itself.
pub(super) fn image(svg: &str) -> String {
    format!("data:image/svg+xml,{}", encoded(&seen(svg)))
}

/// `text` as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut address = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte) {
            address.push(byte as char);
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// `svg` as an image of its own can be seen. A picture of stateright's actors (0.31.0) cannot: its lines have no stroke,
/// its `viewbox` counts in a page of HTML only, and the words of messages stand in it as they are.
fn seen(svg: &str) -> String {
    if !svg.contains("class='svg-actor-timeline'") {
        return svg.into();
    }
    let svg = svg.replacen(" viewbox=", " viewBox=", 1).replacen("<defs>", &format!("{ACTORS_STYLE}<defs>"), 1);
    svg.split_inclusive("</text>\n").map(labelled).collect()
}

/// The last `<text …>` of `part` with words that are no markup.
fn labelled(part: &str) -> String {
    let label = part.strip_suffix("</text>\n").and_then(|open| open.split_once("<text x='"));
    let Some((before, (place, words))) = label.and_then(|(before, rest)| Some((before, rest.split_once("'>")?))) else {
        return part.into();
    };
    format!("{before}<text x='{place}'>{}</text>\n", words.replace('&', "&amp;").replace('<', "&lt;"))
}
