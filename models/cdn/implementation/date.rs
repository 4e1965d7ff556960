//! Dates of HTTP (RFC 9110 §5.6.7), in seconds since 1970. All three forms are read, as a recipient has to; one is written.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const LONG_DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Days from 1970-01-01 to a date of the Gregorian calendar, months and days 1-based.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn month(text: &str) -> Option<i64> {
    let found = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(text))?;
    i64::try_from(found + 1).ok()
}

fn is_day(text: &str, of: &[&str]) -> bool {
    of.iter().any(|day| day.eq_ignore_ascii_case(text))
}

fn at(year: i64, month: i64, day: i64, time: &str) -> Option<i64> {
    let mut parts = time.split(':');
    let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let days = days(year, month, day);
    // A leap second is 60; a day that the month has not would come back as another.
    let is_one =
        parts.next().is_none() && hour < 24 && minute < 60 && second <= 60 && civil(days) == (year, month, day);
    is_one.then_some(days * DAY_S + hour * 3600 + minute * 60 + second)
}

/// Seconds since 1970 that `text` says; `now_s` decides the century of a year of two digits. `None`: it is no date.
pub fn parse(text: &str, now_s: i64) -> Option<i64> {
    if let Some((day_name, rest)) = text.split_once(", ") {
        let parts: Vec<&str> = rest.split(' ').collect();
        return match parts[..] {
            [day, month_name, year, time, zone] if is_day(day_name, &DAYS) && zone.eq_ignore_ascii_case("GMT") => {
                at(number(year, 4)?, month(month_name)?, number(day, 2)?, time)
            }
            [date, time, zone] if is_day(day_name, &LONG_DAYS) && zone.eq_ignore_ascii_case("GMT") => {
                let parts: Vec<&str> = date.split('-').collect();
                let [day, month_name, year] = parts[..] else { return None };
                let (day, month, year) = (number(day, 2)?, month(month_name)?, number(year, 2)?);
                let (now_year, _, _) = civil(now_s.div_euclid(DAY_S));
                let year = now_year - now_year.rem_euclid(100) + year;
                // RFC 9110 §5.6.7: what looks more than 50 years in the future was in the past.
                at(if year > now_year + 50 { year - 100 } else { year }, month, day, time)
            }
            _ => None,
        };
    }
    // asctime: the day is padded by a space.
    let parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
    let [day_name, month_name, day, time, year] = parts[..] else { return None };
    let day = number(day, day.len().clamp(1, 2))?;
    (text.len() == 24 && is_day(day_name, &DAYS)).then(|| at(number(year, 4)?, month(month_name)?, day, time))?
}

/// `unix_s` in the one form that is sent.
pub fn format(unix_s: i64) -> String {
    let (days, rest) = (unix_s.div_euclid(DAY_S), unix_s.rem_euclid(DAY_S));
    let (year, month, day) = civil(days);
    let name = |of: &[&'static str], index: i64| usize::try_from(index).ok().and_then(|index| of.get(index).copied());
    let weekday = name(&DAYS, days.rem_euclid(7)).unwrap_or_default();
    let month = name(&MONTHS, month - 1).unwrap_or_default();
    format!("{weekday}, {day:02} {month} {year:04} {:02}:{:02}:{:02} GMT", rest / 3600, rest / 60 % 60, rest % 60)
}
