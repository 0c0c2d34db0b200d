//! A listing for browsers: a table without scripts, in the reader's own colours.

use std::fmt::Write;

use super::order::{Order, Sort};
use super::{Item, Page};
use crate::files::path::encode;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\
    h1{font-size:1.25rem;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}\
    th,td{padding:.1rem .5rem;text-align:left}th:nth-child(2),td:nth-child(2){text-align:right}\
    td:first-child{overflow-wrap:anywhere}";

/// The columns, by what they are sorted by.
const COLUMNS: [(Sort, &str, &str); 3] = [
    (Sort::Name, "name", "Name"),
    (Sort::Size, "size", "Bytes"),
    (Sort::Time, "time", "Changed"),
];

/// The page.
pub(super) fn write(page: &Page) -> Vec<u8> {
    let title = escape(&String::from_utf8_lossy(page.path.as_bytes()));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Index of {title}</title>\n\
         <style>{STYLE}</style>\n<h1>Index of {title}</h1>\n<table>\n"
    );
    head(page, &mut html);
    if page.path.as_bytes() != b"/" {
        html.push_str("<tr><td><a href=\"../\">../</a><td><td>\n");
    }
    page.items.iter().for_each(|item| row(item, &mut html));
    html.push_str("</table>\n");
    if page.is_cut {
        let count = page.items.len();
        let _ = writeln!(html, "<p>Only {count} entries are listed; there are more.");
    }
    html.into_bytes()
}

/// The names of the columns, which sort by themselves: the other way round where they do already.
fn head(page: &Page, html: &mut String) {
    html.push_str("<tr>");
    for (sort, word, name) in COLUMNS {
        let order = match (sort == page.sort, page.order) {
            (true, Order::Ascending) => "desc",
            (true, Order::Descending) | (false, _) => "asc",
        };
        let _ = write!(html, "<th><a href=\"?sort={word}&amp;order={order}\">{name}</a>");
    }
    html.push('\n');
}

fn row(item: &Item, html: &mut String) {
    let slash = if item.is_directory { "/" } else { "" };
    // A name with a colon is no scheme behind a dot and a slash.
    let (link, name) = (encode(&item.name), escape(&String::from_utf8_lossy(&item.name)));
    let size = match item.is_directory {
        true => String::new(),
        false => item.size.to_string(),
    };
    let date = httpdate::fmt_http_date(item.modified);
    let _ = writeln!(
        html,
        "<tr><td><a href=\"./{}{slash}\">{name}{slash}</a><td>{size}<td>{date}",
        escape(&link)
    );
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::files::DecodedPath;

    fn page(path: &str, names: &[&str]) -> String {
        let items = names.iter().map(|name| Item {
            name: name.as_bytes().to_vec(),
            is_directory: false,
            size: 3,
            modified: SystemTime::UNIX_EPOCH,
        });
        let page = Page {
            path: DecodedPath::parse(path.as_bytes()).unwrap(),
            items: items.collect(),
            is_cut: true,
            sort: Sort::Name,
            order: Order::Ascending,
        };
        String::from_utf8(write(&page)).unwrap()
    }

    #[test]
    fn no_name_is_markup_or_a_scheme() {
        let html = page(
            "/%3Cb%3E/",
            &[
                "<script>alert(1)</script>",
                "javascript:alert(1)",
                "a\"b'c&d",
                "100%?#",
            ],
        );
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(html.contains("href=\"./javascript:alert(1)\""));
        assert!(html.contains("href=\"./a%22b&#39;c&amp;d\""), "{html}");
        assert!(html.contains("href=\"./100%25%3F%23\""));
    }

    #[test]
    fn a_column_turns_round_and_the_rest_is_counted() {
        let html = page("/", &["a"]);
        assert!(html.contains("?sort=name&amp;order=desc") && html.contains("?sort=size&amp;order=asc"));
        assert!(html.contains("Only 1 entries are listed"));
        assert!(!html.contains("../"));
        assert!(page("/a/", &[]).contains("<a href=\"../\">"));
    }
}
