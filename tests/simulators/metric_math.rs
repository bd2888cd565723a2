//! CloudWatch's metric math as far as the template uses it, in exact numbers: `+ - * /`, comparisons, `IF`.

use std::cmp::Ordering;

/// An exact fraction. Its denominator is positive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    pub(crate) fn new(number: i128) -> Self {
        Self { numerator: number, denominator: 1 }
    }

    /// Reads `5`, `-5` or `0.05`.
    pub(crate) fn parse(text: &str) -> Self {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}").parse().unwrap_or_else(|_| panic!("{text} is no number"));
        Self { numerator: digits, denominator: 10_i128.pow(u32::try_from(fraction.len()).unwrap()) }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let numerator = self.numerator * other.denominator + other.numerator * self.denominator;
        Self { numerator, denominator: self.denominator * other.denominator }
    }

    fn times(self, other: Self) -> Self {
        Self { numerator: self.numerator * other.numerator, denominator: self.denominator * other.denominator }
    }

    /// None for a division by zero, for which CloudWatch has no datapoint.
    pub(crate) fn over(self, other: Self) -> Option<Self> {
        let sign = other.numerator.signum();
        (sign != 0)
            .then(|| self.times(Self { numerator: sign * other.denominator, denominator: other.numerator.abs() }))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }
}

/// An expression of metric math.
#[derive(Debug)]
pub(crate) enum Expression {
    Number(Exact),
    /// The id of a metric or of another expression.
    Id(String),
    Operation(String, Box<[Expression; 2]>),
    If(Box<[Expression; 3]>),
}

impl Expression {
    /// Reads an expression, all of it.
    pub(crate) fn parse(text: &str) -> Self {
        let mut tokens = Tokens { all: tokens(text), at: 0 };
        let expression = tokens.comparison();
        assert!(tokens.peek().is_none(), "{text}: what follows {:?}?", &tokens.all[..tokens.at]);
        expression
    }

    /// Its value, from those of the ids in it. Where one is missing, or is divided by zero, there is none.
    pub(crate) fn value(&self, of: &dyn Fn(&str) -> Option<Exact>) -> Option<Exact> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Id(id) => of(id),
            Self::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                let holds = condition.value(of)? != Exact::new(0);
                if holds { then.value(of) } else { otherwise.value(of) }
            }
            Self::Operation(operator, sides) => {
                let (left, right) = (sides[0].value(of)?, sides[1].value(of)?);
                let truth = |holds: bool| Some(Exact::new(i128::from(holds)));
                match operator.as_str() {
                    "+" => Some(left.plus(right)),
                    "-" => Some(left.plus(right.times(Exact::new(-1)))),
                    "*" => Some(left.times(right)),
                    "/" => left.over(right),
                    ">" => truth(left > right),
                    ">=" => truth(left >= right),
                    "<" => truth(left < right),
                    "<=" => truth(left <= right),
                    "==" => truth(left == right),
                    "!=" => truth(left != right),
                    other => panic!("the function {other} is not supported here"),
                }
            }
        }
    }
}

/// Words, numbers and operators.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::<String>::new();
    let mut goes_on = false;
    for character in text.chars() {
        let in_word = character.is_ascii_alphanumeric() || character == '_' || character == '.';
        // The only operators of two characters end in an equals sign.
        let joins = if in_word { goes_on } else { character == '=' && !goes_on };
        match tokens.last_mut() {
            _ if character == ' ' => {}
            Some(last) if joins && (in_word || ["<", ">", "=", "!"].contains(&last.as_str())) => last.push(character),
            _ => tokens.push(character.to_string()),
        }
        goes_on = in_word;
    }
    tokens
}

struct Tokens {
    all: Vec<String>,
    at: usize,
}

impl Tokens {
    fn peek(&self) -> Option<&str> {
        self.all.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.all.get(self.at - 1).unwrap_or_else(|| panic!("{:?} ends too early", self.all)).clone()
    }

    fn expect(&mut self, token: &str) {
        assert_eq!(self.next(), token, "{:?}", self.all);
    }

    fn comparison(&mut self) -> Expression {
        self.operations(&[">", ">=", "<", "<=", "==", "!="], |tokens| {
            tokens.operations(&["+", "-"], |tokens| tokens.operations(&["*", "/"], Self::operand))
        })
    }

    /// Operations of equal rank, from left to right.
    fn operations(&mut self, operators: &[&str], operand: impl Fn(&mut Self) -> Expression) -> Expression {
        let mut left = operand(self);
        while self.peek().is_some_and(|token| operators.contains(&token)) {
            let operator = self.next();
            left = Expression::Operation(operator, Box::new([left, operand(self)]));
        }
        left
    }

    fn operand(&mut self) -> Expression {
        let token = self.next();
        if token == "(" {
            let inner = self.comparison();
            self.expect(")");
            return inner;
        }
        if token.starts_with(|first: char| first.is_ascii_digit()) {
            return Expression::Number(Exact::parse(&token));
        }
        assert!(token.starts_with(|first: char| first.is_ascii_alphabetic()), "{token} in {:?}", self.all);
        if self.peek() != Some("(") {
            return Expression::Id(token);
        }
        assert_eq!(token, "IF", "the operator {token} is not supported here");
        self.expect("(");
        let condition = self.comparison();
        self.expect(",");
        let then = self.comparison();
        self.expect(",");
        let otherwise = self.comparison();
        self.expect(")");
        Expression::If(Box::new([condition, then, otherwise]))
    }
}

#[test]
fn metric_math_is_evaluated_as_by_cloudwatch() {
    let of = |id: &str| match id {
        "two" => Some(Exact::new(2)),
        "zero" => Some(Exact::new(0)),
        _ => None,
    };
    for (text, expected) in [
        ("1 + two * 3", Some("7")),
        ("(1+two)*3", Some("9")),
        ("10 - 4 - 3", Some("3")),
        ("1 / 8", Some("0.125")),
        ("100 * two / 8", Some("25")),
        ("two>=2", Some("1")),
        ("1 + 1 != two", Some("0")),
        ("IF(two > 1, two, 5)", Some("2")),
        ("IF(zero, 1, IF(two == 2, 0.5, 3))", Some("0.5")),
        ("1 / zero", None),
        ("two + missing", None),
        ("IF(zero > 0, 1 / zero, 0)", Some("0")),
    ] {
        assert_eq!(Expression::parse(text).value(&of), expected.map(Exact::parse), "{text}");
    }
}
