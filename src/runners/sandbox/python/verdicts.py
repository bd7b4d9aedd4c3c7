# Whether two values are the same, by SymPy, where the verifier's own rules cannot tell. It is run in a session of its own with one question
# after it: a call of `decide` that the program's parent wrote, made only of the names defined here. `equal` is said of what was proved,
# and holds in numbers too; `unequal` of what differs by more than the error of its digits. Everything else is `undecided`.
import sys
from sympy import (
    E, I, Abs, AccumBounds, Add, Dummy, Float, Integer, Integral, Limit, Max, Min, Mul, Piecewise, Product, Rational, Sum, Symbol,
    acos, acosh, asin, asinh, atan, atanh, binomial, ceiling, cos, cosh, cot, coth, csc, csch, exp, expand, expand_func, expand_log,
    factorial, factorial2, floor, im, log, minimal_polynomial, nan, oo, pi, radsimp, re, sec, sech, sign, simplify, sin, sinh, tan,
    tanh, trigsimp, zoo
)
from sympy.core.random import seed


class Refused(Exception):
    """A value that this program cannot answer for."""


class OutOfCalls(BaseException):
    """The question takes too long."""


def require(holds):
    if holds is not True:
        raise Refused


# ---- values

DIGITS = 30
MAX_BITS = 200_000
MAX_TERMS = 300
# Calls of Python functions in one question, some seconds: counted, not timed, so that the same question is always answered alike.
MAX_CALLS = 3_000_000
UNFINISHED = (Sum, Product, Integral, Limit, Piecewise, AccumBounds)
# Points at which expressions are looked at: rational, on both sides of zero, small and large, in no relation to each other.
POINTS = [Rational(*pair) for pair in (
    (7, 5), (-11, 8), (2, 7), (-3, 13), (19, 6), (-29, 9), (101, 12), (-131, 14), (1009, 10), (-1013, 11), (20011, 10), (3000017, 8),
)]
WHOLE_POINTS = [Integer(n) for n in (1, 2, 3, 5, 8, 13, 4, 21, 34, 7, 10, 60)]
MIN_AGREEMENTS = 4


def digits_of(value, digits=DIGITS, most=400):
    """The value to so many digits, all of them right; None where they cannot be had, working with `most` digits."""
    try:
        found = value.evalf(digits, maxn=most, strict=True)
    except Exception:
        return None
    parts = found.as_real_imag()
    return found if all(part.is_Float or part.is_Rational for part in parts) and all(part.is_finite for part in parts) else None


def is_finite(value):
    return not value.has(zoo, nan, oo, -oo) and not value.has(*UNFINISHED)


def at_points(value, count=6):
    """The value at some points, for each set of free symbols."""
    names = sorted(value.free_symbols, key=lambda name: name.name)
    for shift in range(count if names else 1):
        pool = WHOLE_POINTS if any(name.is_integer for name in names) else POINTS
        yield value.subs({name: pool[(shift + 5 * at) % len(pool)] for at, name in enumerate(names)}, simultaneous=True)


def is_somewhere_nonzero(value):
    """No denominator may be zero everywhere: SymPy would cancel it."""
    for there in at_points(value):
        if is_finite(there):
            size = digits_of(Abs(there), 10)
            if size is not None and size > 0:
                return True
    return False


def integer(n):
    return Integer(n)


def rational(n, d):
    return Rational(n, d)


def add(*args):
    return Add(*args)


def mul(*args):
    return Mul(*args)


def div(a, b):
    require(is_somewhere_nonzero(b))
    return a / b


def bits_of(value):
    return max(value.p.bit_length(), value.q.bit_length())


def power(base, exponent):
    """Odd roots of negative numbers are real, as competition problems mean them; SymPy's are not."""
    if exponent.is_Rational:
        if base.is_Rational:
            require(abs(exponent.p) * bits_of(base) <= MAX_BITS)
        if exponent.is_negative:
            require(is_somewhere_nonzero(base))
        if exponent.is_Integer:
            require(abs(exponent.p) <= 5000 or base.is_Rational or base.is_Symbol or base in (E, pi))
            return base ** exponent
        require(base.is_extended_real)
        if base.is_nonnegative or exponent.q == 2:
            return base ** exponent
        require(base.is_negative and exponent.q % 2 == 1)
        return (-1) ** exponent.p * (-base) ** exponent
    if base == E:
        return exp(exponent)
    require(exponent.is_extended_real)
    if base.is_Rational and exponent.is_number:
        size = digits_of(Abs(exponent), 5)
        require(size is not None and bool(size * bits_of(base) <= MAX_BITS))
    require(base.is_positive or (exponent.is_integer and base.is_nonzero))
    return base ** exponent


def root(value, index):
    require(index.is_Integer and 1 <= index.p <= 1000)
    return power(value, Rational(1, index.p))


def ln(value):
    if not value.free_symbols:
        require(value.is_positive)
    require(value.is_extended_real)
    return log(value)


def log_to(value, base):
    below = ln(base)
    require(is_somewhere_nonzero(below))
    return ln(value) / below


def real_only(of, low=None, high=None):
    def apply(*args):
        for value in args:
            require(value.is_extended_real)
            if not value.free_symbols:
                require(low is None or bool((value - low).is_nonnegative))
                require(high is None or bool((high - value).is_nonnegative))
        return of(*args)
    return apply


arcsin = real_only(asin, -1, 1)
arccos = real_only(acos, -1, 1)
arctan = real_only(atan)
arcsinh = real_only(asinh)
arccosh = real_only(acosh, 1)
arctanh = real_only(atanh)
largest = real_only(Max)
smallest = real_only(Min)
signum = real_only(sign)
round_down = real_only(floor)
round_up = real_only(ceiling)


def remainder(a, b):
    require(a.is_extended_real)
    require(b.is_extended_real)
    return a - b * floor(div(a, b))


def whole(value, most):
    """A natural number of moderate size, or one that is not known yet."""
    require(value.is_integer and value.is_nonnegative)
    require(not value.is_number or (value.is_Integer and value.p <= most))
    return value


def factorial_of(n):
    return factorial(whole(n, 5000))


def double_factorial_of(n):
    return factorial2(whole(n, 5000))


def choose(n, k):
    return binomial(whole(n, 10 ** 9), whole(k, 2000))


# ---- sums, integrals and limits: found in closed form, and seen to agree in numbers

def close_enough(one, other, digits):
    return one is not None and other is not None and bool(Abs(one - other) <= Float(10) ** -digits * (1 + Abs(other)))


def closed(value):
    require(is_finite(value))
    require(not value.free_symbols)
    return value


def finite_terms(body, start, stop, joined):
    require(start.is_Integer and stop.is_Integer)
    require(bool(0 <= stop.p - start.p < MAX_TERMS))
    return closed(joined(*[body(Integer(k)) for k in range(start.p, stop.p + 1)]))


def finite_sum(body, start, stop):
    return finite_terms(body, start, stop, Add)


def finite_product(body, start, stop):
    return finite_terms(body, start, stop, Mul)


def infinite_sum(body, start):
    require(start.is_Integer)
    require(bool(-1000 <= start.p <= 1000))
    for k in range(start.p, start.p + 100):
        require(is_finite(body(Integer(k))))
    signs = {"positive": True} if start.p >= 1 else {"nonnegative": True} if start.p == 0 else {}
    k = Dummy("k", integer=True, **signs)
    held = Sum(body(k), (k, start, oo))
    require(bool(held.is_convergent()))
    value = closed(held.doit())
    # Two precisions, since nobody tells the error of a sum's digits.
    target = digits_of(value, 30)
    require(all(close_enough(held.evalf(digits), target, 12) for digits in (15, 25)))
    return value


def integral(body, start, stop):
    # Both ends infinite: each half must have a value of its own.
    if start == -oo and stop == oo:
        return integral(body, start, Integer(0)) + integral(body, Integer(0), stop)
    for end in (start, stop):
        require(end.is_extended_real)
    x = Dummy("x", real=True)
    held = Integral(body(x), (x, start, stop))
    value = closed(held.doit())
    require(value.is_extended_real)
    require(close_enough(digits_of(held, 15), digits_of(value, 20), 11))
    return value


def limit_at(body, point):
    signs = {"positive": True} if point == oo else {"negative": True} if point == -oo else {}
    x = Dummy("x", real=True, **signs)
    inside = body(x)
    value = closed(Limit(inside, x, point, "-" if point == oo else "+" if point == -oo else "+-").doit())
    require(value.is_extended_real)
    for side in (1, -1):
        if point in (oo, -oo):
            places = [side * 10 ** 6, side * 10 ** 9] if point == side * oo else []
        else:
            places = [point + side * Rational(1, 10 ** 6), point + side * Rational(1, 10 ** 9)]
        apart = [Abs((inside - value).evalf(10, subs={x: place}, maxn=400)) for place in places]
        require(all(bool(one <= Float("1e-4") * (1 + Abs(value)) ** 2) for one in apart))
        require(apart == sorted(apart, reverse=True))
    return value


# ---- the question

SHORTER = (
    expand, lambda value: expand(value.rewrite(exp)), simplify, trigsimp, radsimp, expand_func,
    lambda value: simplify(expand(value.rewrite(exp))),
    lambda value: simplify(expand_log(expand_func(value)))
)


def tried(change, value):
    try:
        return change(value)
    except (ArithmeticError, AttributeError, NotImplementedError, TypeError, ValueError):
        return value


def is_proved_zero(difference):
    """Whether the difference is exactly zero by symbolic means."""
    if difference == 0 or any(tried(shorter, difference) == 0 for shorter in SHORTER):
        return True
    return difference.is_number and (is_algebraic_zero(difference) or is_turn_of_zero(difference))


def is_algebraic_zero(number):
    x = Dummy("x")
    return number.is_algebraic is True and tried(lambda value: minimal_polynomial(value, x), number) == x


def is_turn_of_zero(number):
    """A real number that is next to zero, and of which e^2iz is 1, is zero: sums of arcus tangents end here."""
    if not number.has(atan, asin, acos) or number.is_extended_real is not True:
        return False
    if not bool(Abs(number.evalf(30)) < Float("1e-20")):
        return False
    turn = tried(lambda value: expand(exp(expand(2 * I * value.rewrite(log)))), number)
    return tried(simplify, turn - 1) == 0 or is_algebraic_zero(turn - 1)


def are_apart(a, b, most):
    """Whether the values differ by more than nothing: seen twice, with more digits the second time."""
    first, second = digits_of(Abs(a - b), 20, most), digits_of(Abs(a - b), 40, most)
    return (
        first is not None and second is not None and bool(first > 0)
        and bool(Abs(first - second) <= Float("1e-6") * second)
    )


def compare_constants(a, b, may_differ):
    require(is_finite(a) and is_finite(b))
    different = "unequal" if may_differ else "undecided"
    if are_apart(a, b, 400):
        return different
    if is_proved_zero(a - b):
        return "equal"
    return different if are_apart(a, b, 3_000) else "undecided"


def compare_expressions(a, b, variables, may_differ, is_complex):
    require(is_finite(a) and is_finite(b))
    agreed = 0
    for shift in range(len(POINTS)):
        place = {
            variable: pool[(shift + 5 * at) % len(pool)]
            for at, (variable, pool) in enumerate(variables)
        }
        here, there = a.subs(place, simultaneous=True), b.subs(place, simultaneous=True)
        if not is_finite(here) or not is_finite(there):
            continue
        left, right = digits_of(here), digits_of(there)
        if left is None or right is None or not (is_complex or (im(left) == 0 and im(right) == 0)):
            continue
        if close_enough(left, right, 25):
            agreed += 1
        elif bool(Abs(left - right) > Float("1e-15") * Max(Abs(left), Abs(right))):
            return "unequal" if may_differ else "undecided"
    return "equal" if agreed >= MIN_AGREEMENTS and is_proved_zero(a - b) else "undecided"


def decide(values, wholes, may_differ, is_complex):
    """`values` makes both values of the free variables; `wholes` says of each variable whether it stands for whole numbers by custom."""
    seed(0)
    left = MAX_CALLS

    def count(*_):
        nonlocal left
        left -= 1
        if left < 0:
            raise OutOfCalls

    sys.settrace(count)
    try:
        names = [Symbol(f"s{at}", real=True) for at in range(len(wholes))]
        a, b = values(*names)
        if not a.free_symbols and not b.free_symbols:
            return compare_constants(a, b, may_differ)
        variables = [(name, WHOLE_POINTS if is_whole else POINTS) for name, is_whole in zip(names, wholes)]
        return compare_expressions(a, b, variables, may_differ, is_complex)
    except (Exception, OutOfCalls):
        return "undecided"
    finally:
        sys.settrace(None)
