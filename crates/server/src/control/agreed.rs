//! Which changes of the settings that all nodes agree about are allowed, and why not. Pure.

use crate::settings::check_agreed;
use esker_rpc::{ControlError, SettingsChange};
use esker_types::ClusterSettings;

/// The settings after a change; none if they are so already.
///
/// # Errors
/// `Refused` if no cluster can have them, or nothing is to change.
pub(super) fn changed(
    now: ClusterSettings,
    change: SettingsChange,
) -> Result<Option<ClusterSettings>, ControlError> {
    if change == SettingsChange::default() {
        return Err(ControlError::Refused("nothing is to change: name replicas, voters, or both".to_owned()));
    }
    let settings = ClusterSettings {
        replicas: change.replicas.unwrap_or(now.replicas),
        voters: change.voters.unwrap_or(now.voters),
    };
    check_agreed(settings).map_err(|error| ControlError::Refused(error.to_string()))?;
    Ok((settings != now).then_some(settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU8;

    fn change(replicas: u8, voters: u8) -> Result<Option<(u8, u8)>, String> {
        let change = SettingsChange { replicas: NonZeroU8::new(replicas), voters: NonZeroU8::new(voters) };
        let settings = changed(ClusterSettings::default(), change);
        let numbers = |settings: ClusterSettings| (settings.replicas.get(), settings.voters.get());
        settings.map(|settings| settings.map(numbers)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_given_stays() {
        assert_eq!(change(5, 0), Ok(Some((5, 3))));
        assert_eq!(change(0, 5), Ok(Some((3, 5))));
        assert_eq!(change(1, 1), Ok(Some((1, 1))));
        assert_eq!(change(3, 0), Ok(None));
        assert!(change(0, 0).is_err());
    }

    #[test]
    fn what_no_cluster_can_have_is_refused() {
        assert!(change(0, 4).is_err_and(|why| why.contains("odd")));
        assert!(change(0, 11).is_err_and(|why| why.contains("1 to 9")));
        assert!(change(17, 0).is_err_and(|why| why.contains("1 to 16")));
    }
}
