//! From sources to a configuration. In: the text of a file, variables, flags; out: a [`Config`]. Later sources override
//! earlier ones: file, environment, flags. Each is checked by itself, so that an error names its source.

use std::{net::SocketAddr, path::PathBuf};

use toml::{Table, Value};

use super::{Config, Secret};

/// What the variables of the service begin with.
const PREFIX: &str = "PROOFTRAIL_";

/// Variables of the same prefix that are not the configuration's: which file it is, and what clients read.
const OTHERS: [&str; 3] = ["PROOFTRAIL_CONFIG", "PROOFTRAIL_URL", "PROOFTRAIL_TOKEN"];

/// Between the parts of a key in a variable's name: `PROOFTRAIL_LIMITS__CONNECTIONS` is `limits.connections`.
const SEPARATOR: &str = "__";

/// What flags of `serve` override.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--database`.
    pub database: Option<String>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--create-log`.
    pub create_log: bool,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not TOML, or has a key or value that is not the configuration's.
    #[error("configuration file: {0}")]
    File(toml::de::Error),
    /// A variable that names no key, or has a value that the key does not take.
    #[error("{variable}: {reason}")]
    Variable {
        /// The variable's name.
        variable: String,
        /// Why.
        reason: String,
    },
    /// Keys that contradict each other.
    #[error("configuration: {0}")]
    Check(&'static str),
}

/// Makes the configuration of `file`, the text of a configuration file, `environment` and `flags`.
///
/// # Errors
/// [`ConfigError`].
pub fn load(
    file: Option<&str>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Overrides,
) -> Result<Config, ConfigError> {
    let text = file.unwrap_or_default();
    // Read once for its errors, which have lines, and once as a table to be overridden.
    toml::from_str::<Config>(text).map_err(ConfigError::File)?;
    let mut table: Table = toml::from_str(text).map_err(ConfigError::File)?;
    let mut variables: Vec<_> = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str()))
        .collect();
    variables.sort();
    // All together first: one alone may lack its neighbour (`tls.certificate` without `tls.key`).
    let mut all = table.clone();
    for (name, value) in &variables {
        set(&mut all, name, value)?;
    }
    let mut config = match Config::deserialize_table(all) {
        Ok(config) => config,
        Err(together) => {
            for (name, value) in &variables {
                set(&mut table, name, value)?;
                if let Err(error) = Config::deserialize_table(table.clone()) {
                    return Err(ConfigError::Variable { variable: name.clone(), reason: error.message().to_owned() });
                }
            }
            return Err(ConfigError::File(together));
        }
    };
    let Overrides { database, listen, data, create_log } = flags;
    config.database = database.map(Secret::from).or(config.database);
    config.listen = listen.unwrap_or(config.listen);
    config.data = data.unwrap_or(config.data);
    config.create_log |= create_log;
    config.check().map_err(ConfigError::Check)?;
    Ok(config)
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Self, toml::de::Error> {
        serde::Deserialize::deserialize(Value::Table(table))
    }
}

/// Puts a variable's value where its name says.
fn set(table: &mut Table, variable: &str, text: &str) -> Result<(), ConfigError> {
    let error = |reason: &str| ConfigError::Variable { variable: variable.to_owned(), reason: reason.to_owned() };
    let path = variable.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase();
    let mut keys = path.split(SEPARATOR);
    let mut key = keys.next().unwrap_or_default();
    let mut table = table;
    for next in keys {
        let inner = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
        table = inner.as_table_mut().ok_or_else(|| error("there is no such key"))?;
        key = next;
    }
    // Numbers, booleans and lists as TOML writes them; everything else is the text as it stands.
    let parsed: Option<Table> = toml::from_str(&format!("v = {text}")).ok();
    let value = match parsed.and_then(|mut table| table.remove("v").filter(|_| table.is_empty())) {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_))) => value,
        _ => Value::String(text.to_owned()),
    };
    table.insert(key.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ConfigError, Overrides, load};

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn reason(file: &str, environment: &[(&str, &str)]) -> String {
        load(Some(file), variables(environment), Overrides::default()).unwrap_err().to_string()
    }

    #[test]
    fn nothing_configured_is_a_loopback_service() {
        let config = load(None, [], Overrides::default()).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert!(!config.insecure_plaintext && config.oidc.is_empty() && !config.create_log);
        assert_eq!(config.database_url().expose(), "sqlite:prooftrail-data/prooftrail.db");
    }

    #[test]
    fn flags_override_variables_and_these_the_file() {
        let file = "data = 'a'\ndatabase = 'sqlite:a'\norigin = 'a'\n[limits]\nconnections = 7\nrate_burst = 9";
        let environment = variables(&[
            ("PROOFTRAIL_DATABASE", "sqlite:b"),
            ("PROOFTRAIL_ORIGIN", "b"),
            ("PROOFTRAIL_LIMITS__CONNECTIONS", "8"),
            ("PROOFTRAIL_ROOTS__FILES", "['x.pem', 'y.pem']"),
            ("PROOFTRAIL_TLS__CERTIFICATE", "c.pem"),
            ("PROOFTRAIL_TLS__KEY", "k.pem"),
            ("PROOFTRAIL_URL", "http://not-ours"),
            ("HOME", "/root"),
        ]);
        let flags = Overrides { database: Some("sqlite:c".to_owned()), ..Overrides::default() };
        let config = load(Some(file), environment, flags).unwrap();
        assert_eq!(config.data, Path::new("a"));
        assert_eq!(config.origin.as_deref(), Some("b"));
        assert_eq!(config.database_url().expose(), "sqlite:c");
        assert_eq!((config.limits.connections, config.limits.rate_burst), (8, 9));
        assert_eq!(config.roots.files, [Path::new("x.pem"), Path::new("y.pem")]);
        assert_eq!(config.tls.unwrap().key, Path::new("k.pem"));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        assert!(reason("listne = '127.0.0.1:1'", &[]).contains("listne"));
        assert!(reason("[limits]\nconections = 1", &[]).contains("conections"));
        let unknown = reason("", &[("PROOFTRAIL_LISTNE", "127.0.0.1:1")]);
        assert!(unknown.starts_with("PROOFTRAIL_LISTNE: ") && unknown.contains("listne"), "{unknown}");
        assert!(
            reason("", &[("PROOFTRAIL_LIMITS__CONNECTIONS", "many")]).starts_with("PROOFTRAIL_LIMITS__CONNECTIONS")
        );
        assert!(reason("", &[("PROOFTRAIL_LISTEN__PORT", "1")]).starts_with("PROOFTRAIL_LISTEN__PORT"));
    }

    #[test]
    fn what_gives_up_protection_must_say_so() {
        let oidc = "[[oidc]]\nissuer = 'i'\naudience = 'a'\nproject = '*'\nroles_claim = 'r'\nroles = {}\n";
        for (file, part) in [
            ("listen = '0.0.0.0:8437'".to_owned(), "insecure_plaintext"),
            (format!("{oidc}algorithms = ['RS256']\njwks_url = 'http://i/jwks'"), "insecure_jwks_http"),
            (format!("{oidc}algorithms = ['HS256']\njwks_url = 'https://i/jwks'"), "shared secret"),
            (format!("{oidc}algorithms = []\njwks_url = 'https://i/jwks'"), "at least one"),
            ("[limits]\nbody_seconds = 0".to_owned(), "at least 1"),
            ("[endorsements]\namd_url = 'http://kds'".to_owned(), "insecure_http"),
            ("[endorsements]\ntimeout_seconds = 0".to_owned(), "at least 1"),
            ("[endorsements]\nazure_thim_url = 'file:///etc'".to_owned(), "azure_thim_url"),
        ] {
            let refused = load(Some(&file), [], Overrides::default());
            assert!(matches!(&refused, Err(ConfigError::Check(text)) if text.contains(part)), "{file}: {refused:?}");
        }
        for file in ["listen = '0.0.0.0:8437'\ninsecure_plaintext = true", "listen = '[::1]:8437'"] {
            load(Some(file), [], Overrides::default()).unwrap();
        }
        let tls = "listen = '0.0.0.0:8437'\n[tls]\ncertificate = 'c'\nkey = 'k'";
        load(Some(tls), [], Overrides::default()).unwrap();
    }

    #[test]
    fn a_database_url_is_not_shown() {
        let flags = Overrides { database: Some("postgres://u:hunter2@h/d".to_owned()), ..Overrides::default() };
        let config = load(None, [], flags).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
