//! Which database: one URL, parsed into a closed enum.

use std::path::PathBuf;
use std::str::FromStr;

/// Where rows are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH`: a file on this machine.
    Sqlite(PathBuf),
    /// `postgres://USER:PASSWORD@HOST[:PORT]/DB`.
    Postgres(PostgresUrl),
}

/// A PostgreSQL database.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// Who signs in.
    pub user: String,
    /// With what; empty for none.
    pub password: String,
    /// Host name or address.
    pub host: String,
    /// Port; 5432 unless said otherwise.
    pub port: u16,
    /// Name of the database.
    pub database: String,
}

const WANTED: &str = "it takes `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DB`, without options";

impl FromStr for StoreUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text may hold a password, so it is not repeated in the message.
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite(path),
            Some(("postgres" | "postgresql", rest)) => postgres(rest),
            Some((scheme, _)) => Err(format!("store: cannot use `{}:`; {WANTED}", scheme.chars().take(20).collect::<String>())),
            None => Err(format!("store: the scheme is missing; {WANTED}")),
        }
    }
}

fn sqlite(path: &str) -> Result<StoreUrl, String> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(format!("store: the path is missing; {WANTED}"));
    }
    if let Some((_, options)) = path.split_once('?') {
        return Err(unknown_options(options));
    }
    Ok(StoreUrl::Sqlite(PathBuf::from(path)))
}

fn postgres(rest: &str) -> Result<StoreUrl, String> {
    let rest = rest.strip_prefix("//").ok_or_else(|| format!("store: `//` is missing after `postgres:`; {WANTED}"))?;
    if let Some((_, options)) = rest.split_once('?') {
        return Err(unknown_options(options));
    }
    let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (account, host) = place.rsplit_once('@').unwrap_or(("", place));
    let (user, password) = account.split_once(':').unwrap_or((account, ""));
    let (host, port) = host_and_port(host)?;
    for (what, value) in [("user", user), ("host", host), ("database", database)] {
        if value.is_empty() {
            return Err(format!("store: the {what} is missing; {WANTED}"));
        }
    }
    Ok(StoreUrl::Postgres(PostgresUrl {
        user: percent_decoded(user)?,
        password: percent_decoded(password)?,
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port,
        database: percent_decoded(database)?,
    }))
}

fn host_and_port(text: &str) -> Result<(&str, u16), String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse().map_err(|_| format!("store: `{port}` is not a port; 1 to 65535"))?;
            Ok((host, port))
        }
        _ => Ok((text, 5432)),
    }
}

fn unknown_options(options: &str) -> String {
    let name = options.split(['=', '&']).next().unwrap_or_default();
    format!("store: unknown option `{}`; {WANTED}", name.chars().take(40).collect::<String>())
}

/// RFC 3986 percent-encoding, so that a password may hold any character.
fn percent_decoded(text: &str) -> Result<String, String> {
    let wrong = || "store: a `%` must be followed by two hex digits".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (rest.next(), rest.next()) else { return Err(wrong()) };
        bytes.extend(hex::decode([high, low]).map_err(|_| wrong())?);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

impl std::fmt::Display for StoreUrl {
    /// The password is hidden.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => write!(f, "postgres://{}:***@{}:{}/{}", url.user, url.host, url.port, url.database),
        }
    }
}

impl std::fmt::Debug for StoreUrl {
    /// As [`Display`](std::fmt::Display): a password never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_both_forms() {
        assert_eq!("sqlite:data/weir.db".parse::<StoreUrl>().unwrap(), StoreUrl::Sqlite("data/weir.db".into()));
        assert_eq!("sqlite:///var/x.db".parse::<StoreUrl>().unwrap(), StoreUrl::Sqlite("/var/x.db".into()));
        let StoreUrl::Postgres(url) = "postgres://weir:p%40ss:w@[::1]:5433/media".parse().unwrap() else { panic!("wrong kind") };
        assert_eq!((url.user.as_str(), url.password.as_str()), ("weir", "p@ss:w"));
        assert_eq!((url.host.as_str(), url.port, url.database.as_str()), ("::1", 5433, "media"));
    }

    #[test]
    fn names_what_it_cannot_use_and_hides_the_password() {
        for (text, word) in [
            ("mysql://secret@h/d", "`mysql:`"),
            ("weir.db", "scheme"),
            ("sqlite:", "path"),
            ("sqlite:x.db?mode=ro", "`mode`"),
            ("postgres://u:secret@h/d?sslmode=x", "`sslmode`"),
            ("postgres://u:secret@h", "database"),
            ("postgres://h/d", "user"),
            ("postgres://u:secret@h:99999/d", "99999"),
        ] {
            let error = text.parse::<StoreUrl>().unwrap_err();
            assert!(error.contains(word) && !error.contains("secret"), "{text}: {error}");
        }
        let shown = "postgres://u:secret@h/d".parse::<StoreUrl>().unwrap().to_string();
        assert_eq!(shown, "postgres://u:***@h:5432/d");
    }
}
