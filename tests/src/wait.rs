//! Waiting for what nobody tells: asked again and again until it is so, or for too long.

use std::time::{Duration, Instant};

/// How often is asked.
const PAUSE: Duration = Duration::from_millis(50);

/// What `ask` gives once it gives anything but a reason to wait. The error tells the last reason.
pub fn eventually<T>(
    what: &str,
    patience: Duration,
    mut ask: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + patience;
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(why) if Instant::now() >= deadline => {
                return Err(format!("{what}: not within {patience:?}: {why}"));
            }
            // sleep: other processes change without telling
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_comes_when_it_is_there_and_the_last_reason_when_it_is_not() {
        let mut asked = 0;
        let third = eventually("a third", Duration::from_secs(10), || {
            asked += 1;
            if asked == 3 { Ok("here") } else { Err("early".to_owned()) }
        });
        assert_eq!(third, Ok("here"));
        let never = eventually::<()>("never", Duration::ZERO, || Err("no".to_owned())).unwrap_err();
        assert!(never.contains("never") && never.ends_with("no"), "{never}");
    }
}
