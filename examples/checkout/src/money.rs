//! Money in whole minor units: exact, and never without its currency.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The currencies of ISO 4217 that have no minor unit.
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";

/// The currencies of ISO 4217 whose minor unit is a thousandth.
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// The currencies of ISO 4217 that are in use and whose minor unit is a hundredth.
const TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB \
    BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD \
    FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT \
    LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK \
    NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP \
    STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG";

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Currency([u8; 3]);

impl Currency {
    /// How many digits stand after the point.
    pub(crate) fn decimals(self) -> usize {
        let listed = |list: &str| list.split(' ').any(|code| code.as_bytes() == self.0);
        if listed(NO_DECIMALS) {
            0
        } else if listed(THREE_DECIMALS) {
            3
        } else {
            2
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let known = [NO_DECIMALS, TWO_DECIMALS, THREE_DECIMALS]
            .iter()
            .flat_map(|list| list.split_ascii_whitespace())
            .any(|code| code == text);
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if known => Ok(Self(code)),
            _ => Err(MoneyError::Currency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

/// An amount of one currency, never negative.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Money {
    minor: i64,
    currency: Currency,
}

/// How money is written down: `{"amount": "12.50", "currency": "EUR"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with amount and currency")]
struct Written {
    amount: String,
    currency: Currency,
}

impl Money {
    /// The largest amount that one order may come to, in minor units. With it no sum that is
    /// checked against it can overflow.
    const MAX: i64 = 1_000_000_000_000;

    /// Nothing, in one currency.
    pub(crate) fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads a decimal such as `12.5` or `0.99`, with at most the decimals that the currency has.
    pub(crate) fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(MoneyError::Decimal),
            None => (text, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(MoneyError::Decimal);
        }
        let decimals = currency.decimals();
        if fraction.len() > decimals {
            return Err(MoneyError::Decimals(currency));
        }
        let minor: i64 = format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| MoneyError::TooMuch)?;
        Self { minor, currency }.within_bounds()
    }

    /// This much for each of `quantity`.
    pub(crate) fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::TooMuch)?;
        Self { minor, ..self }.within_bounds()
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooMuch)?;
        Self { minor, ..self }.within_bounds()
    }

    /// Whether this is nothing at all.
    pub(crate) fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The amount without its currency, e.g. `12.50`.
    pub(crate) fn amount(self) -> String {
        let decimals = self.currency.decimals();
        let digits = format!("{:0>width$}", self.minor, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }

    /// The currency that this is in.
    pub(crate) fn currency(self) -> Currency {
        self.currency
    }

    fn within_bounds(self) -> Result<Self, MoneyError> {
        if self.minor <= Self::MAX { Ok(self) } else { Err(MoneyError::TooMuch) }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<Written> for Money {
    type Error = MoneyError;

    fn try_from(written: Written) -> Result<Self, MoneyError> {
        Self::parse(&written.amount, written.currency)
    }
}

impl From<Money> for Written {
    fn from(money: Money) -> Self {
        Self { amount: money.amount(), currency: money.currency }
    }
}

/// Why something is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoneyError {
    /// Not a currency in use.
    Currency,
    /// Not digits with at most one point between them.
    Decimal,
    /// More decimals than the currency has.
    Decimals(Currency),
    /// More than one order may come to.
    TooMuch,
    /// Two currencies in one sum.
    Mixed(Currency, Currency),
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency => f.write_str("must be the code of an ISO 4217 currency, such as EUR"),
            Self::Decimal => f.write_str("must be a decimal such as 12.50"),
            Self::Decimals(currency) => {
                write!(f, "may have at most {} decimals in {currency}", currency.decimals())
            }
            Self::TooMuch => {
                write!(f, "comes to more than {} minor units, the most that is accepted", Money::MAX)
            }
            Self::Mixed(one, other) => write!(f, "{one} and {other} cannot be added"),
        }
    }
}

impl Error for MoneyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn an_amount_is_written_as_it_was_read() {
        for (text, code) in [("0.05", "EUR"), ("12.50", "EUR"), ("980", "JPY"), ("1.234", "KWD")] {
            assert_eq!(Money::parse(text, currency(code)).unwrap().amount(), text);
        }
    }

    #[test]
    fn fewer_decimals_mean_the_same_amount() {
        let euro = currency("EUR");
        assert_eq!(Money::parse("12.5", euro), Money::parse("12.50", euro));
        assert_eq!(Money::parse("12", euro), Money::parse("12.00", euro));
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_refused() {
        let refused = |text, code| Money::parse(text, currency(code)).unwrap_err();
        assert_eq!(refused("1.005", "EUR"), MoneyError::Decimals(currency("EUR")));
        assert_eq!(refused("980.0", "JPY"), MoneyError::Decimals(currency("JPY")));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", ".", ".5", "5.", "-1", "+1", "1,5", "1e3", "0x1", "1.2.3", " 1", "١"] {
            assert_eq!(Money::parse(text, currency("EUR")), Err(MoneyError::Decimal), "{text}");
        }
    }

    #[test]
    fn too_large_is_an_error_and_never_a_wrong_number() {
        let euro = currency("EUR");
        assert_eq!(Money::parse(&"9".repeat(40), euro), Err(MoneyError::TooMuch));
        let most = Money::parse("10000000000.00", euro).unwrap();
        assert_eq!(most.times(u32::MAX), Err(MoneyError::TooMuch));
        assert_eq!(most.plus(most), Err(MoneyError::TooMuch));
    }

    #[test]
    fn a_currency_is_one_of_iso_4217_in_capitals() {
        for code in ["EUR", "JPY", "KWD", "ZWG"] {
            assert_eq!(currency(code).to_string(), code);
        }
        for code in ["eur", "EU", "EURO", "XXX", "", "E R", "ÄB"] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::Currency), "{code}");
        }
    }

    #[test]
    fn two_currencies_do_not_add_up() {
        let (euro, yen) = (Money::zero(currency("EUR")), Money::zero(currency("JPY")));
        assert!(matches!(euro.plus(yen), Err(MoneyError::Mixed(..))));
    }
}
