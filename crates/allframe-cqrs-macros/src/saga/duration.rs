//! Times as they stand in the arguments of attributes: `timeout = "30s"`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result, meta::ParseNestedMeta};

use crate::arguments::value;

const USAGE: &str = "a time is a whole number from 1 with a unit, one of `ms`, `s`, `m`, `h` and `d`: `timeout = \"30s\"`, and \
                     likewise \"500ms\", \"10m\", \"2h\" and \"1d\"";

/// `timeout = "30s"`, as a `Duration`.
pub(super) fn duration(meta: &ParseNestedMeta<'_>) -> Result<TokenStream> {
    let text: LitStr = value(meta, USAGE)?;
    let millis = millis_of(&text.value()).ok_or_else(|| Error::new(text.span(), USAGE))?;
    Ok(quote!(::core::time::Duration::from_millis(#millis)))
}

fn millis_of(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    // Nothing at all would be over before it has begun.
    number.parse::<u64>().ok().filter(|number| *number > 0)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::millis_of;

    #[test]
    fn times_are_numbers_with_a_unit() {
        let times = ["500ms", "30s", "10m", "2h", "1d"].map(millis_of);
        assert_eq!(times, [500, 30_000, 600_000, 7_200_000, 86_400_000].map(Some));
        for wrong in
            ["", "30", "s", "0s", "1.5h", "-1s", "30 s", "1h30m", "2 hours", "٣s", "99999999999999999999s"]
        {
            assert_eq!(millis_of(wrong), None, "{wrong}");
        }
        assert_eq!(millis_of("18446744073709551615d"), None);
    }
}
