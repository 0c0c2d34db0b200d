//! A file has one route, whatever it is found by: its name, its directory, or a path that goes on behind it.

use super::{ask, fill, scripts};
use crate::start;

#[test]
fn what_is_said_of_a_file_holds_however_it_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        "index.php",
        "admin.php",
        "uploads/d/index.php",
        "static/index.html",
        "static/open/index.html",
        "private/index.php",
        "inside.php",
    ];
    fill(dir.path(), &files);
    let application = scripts();
    let root = dir.path().display();
    let gateway = start(&format!(
        "[upstream.php]\nprofile = \"php-fpm\"\nendpoints = [\"{}\"]\n\
         [[route]]\nphp = {{ upstream = \"php\", root = \"{root}\", index = [\"index.php\", \"index.html\"], \
         front_controller = \"/index.php\" }}\n\
         [[route]]\npath = \"= /admin.php\"\nrespond = {{ status = 403 }}\n\
         [[route]]\npath = \"= /inside.php\"\ninternal = true\nrespond = {{ body = \"inside\" }}\n\
         [[route]]\npath = \"~ ^/uploads/.*\\\\.php$\"\nrespond = {{ status = 403 }}\n\
         [[route]]\npath = \"/static\"\nfiles = {{ root = \"{root}\" }}\n\
         [[route]]\npath = \"= /static/index.html\"\nrespond = {{ status = 410 }}\n\
         [[route]]\npath = \"~ ^/private/.*\\\\.php$\"\nphp = {{ upstream = \"php\", root = \"{root}\" }}\n\
         headers = {{ X-Route = \"private\" }}\n",
        application.address()
    ));
    for (target, status, told) in [
        ("/admin.php", 403, ""),
        ("/admin.php/", 403, ""),
        ("/admin.php/x%2Fy?a", 403, ""),
        ("/inside.php", 404, ""),
        ("/inside.php/x", 404, ""),
        ("/uploads/d/index.php", 403, ""),
        ("/uploads/d/index.php/x", 403, ""),
        ("/uploads/d/", 403, ""),
        ("/uploads/d/?a=1", 403, ""),
        ("/static/index.html", 410, ""),
        ("/static/", 410, ""),
        ("/static/open/", 200, "static/open/index.html"),
        ("/private/?a=1", 200, "/private/index.php||/private/?a=1|a=1"),
        (
            "/private/index.php/x?b",
            200,
            "/private/index.php|/x|/private/index.php/x?b|b",
        ),
        ("/", 200, "/index.php||/|"),
        ("/index.php/x", 200, "/index.php|/x|/index.php/x|"),
        ("/none/", 200, "/index.php||/none/|"),
    ] {
        for method in ["GET", "POST"] {
            if method == "POST" && target.starts_with("/static") {
                continue;
            }
            let answer = ask(&gateway, method, "a.test", target, &[]);
            assert_eq!(answer.status, status, "{method} {target}");
            if status == 200 {
                assert_eq!(answer.text(), told, "{method} {target}");
                let of_its_own = answer.header("x-route").is_some();
                assert_eq!(of_its_own, target.starts_with("/private"), "{method} {target}");
            }
        }
    }
}
