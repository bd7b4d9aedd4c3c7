// How many points a word of a problem's text gives each domain; four points are a factor of e in the odds. A line is a
// number of points and the words, as wordsOf makes them, that give so many. Made by bench/FitDomainWords.ts from its
// seeds and the development half of MATH's training problems; words only, no text of theirs.
import type { MathDomain } from "../MathDomain.ts"

/** Where the scores start: how frequent the domains are among problems. */
export const startPoints: Readonly<Record<MathDomain, number>> = {
  algebra: 12,
  number_theory: 5,
  geometry: 0,
  combinatorics: 4
}

export const textPoints: Readonly<Record<MathDomain, string>> = {
  algebra: String.raw`
     7 \begin \log
     6 % \angle \arccos \arcsin \arctan \cos \cot \csc \lceil \lfloor \ln \mathbf \prod \sec \sin \sum \tan \theta
     6 absolute_value age am_gm angle_between arithmetic_sequence arithmetic_serie asymptote average bought
     6 cauchy_schwarz ceiling coefficient complex_number continuous cost cross_product cup de_moivre decreased_by
     6 degree_of determinant directrix discount dollar domain_of dot_product earn eigenvalue ellipse equation
     6 equation_of evaluate expand exponent exponential expression f_x factor_the floor foci function
     6 functional_equation gallon geometric_sequence geometric_serie graph_of half_of how_old hyperbola identity
     6 imaginary increased_by inequality intercept interest inverse_function inverse_of jensen linear logarithm
     6 matrix maximum_value mean minimum_value mix mixture money monic mph of_unity ounce paid parabola
     6 partial_fraction pay piecewise pint polynomial pound price product profit projection_of proportion quadratic
     6 quart quartic range_of rate ratio rational_function real_number real_root recurrence root_of satisfy_the save
     6 schur sell sequence_defined simplify slope sold solution_of solve solve_for speed system_of tax telescoping
     6 time_as ton trace trigonometric variable vector weigh x_intercept y_intercept year_old
     5 angle fewer_than perimeter real twice_as vertex_of
     4 \div area focus of_square of_triangle percent
     3 + :figure \sqrt ^ a_total buy constant fourth hour integer_is midpoint rectangle shaded the_distance
     3 the_ordered the_point total
     2 = \frac \times common_multiple distance geometric greatest_common integer_x least_common length mile minimum
     2 multiple number_is the_denominator the_minimum the_previous the_triangle the_value unit width
     1 \end choose comma digit_number equation_x in_inche length_of measure_of more_than one_digit plane
     1 right_triangle satisfy solution square sum sum_of term_of the_circle the_diagram the_midpoint the_side
     1 the_vertice triangle twice_the value_of week
  `,
  number_theory: String.raw`
    12 base
    11 \pmod
    10 in_base modulo
     9 perfect_square
     8 divisor prime_number remainder
     7 a_multiple positive_factor
     6 \bmod \equiv \gcd \mid \mod \nmid base_number binary common_divisor common_multiple composite congruence
     6 congruent_to consecutive_integer coprime decimal_expansion digit_of diophantine divide divisibility divisible
     6 even_integer factorization fermat fibonacci_number gcd hexadecimal highest_power integer_solution last_digit
     6 last_two lcm least_common modular modular_inverse odd_integer of_digit one_digit p_adic palindrome
     6 perfect_cube perfect_number positive_divisor prime_factorization pythagorean_triple quadratic_residue
     6 relatively_prime repeating_decimal residue ten_digit terminating_decimal the_decimal totient trailing_zero
     6 unit_digit wilson
     5 an_integer day_of digit fewer_than prime_factor whose_digit
     4 decimal factor_doe of_radius positive_integer product_of same_number three_digit whole_number
     3 \le \overline a_fraction arithmetic common_factor equal remaining
     2 ! \cdot among cent distinct divided exactly integer largest least_positive marble minute more_than
     2 multiple_of number_of prime product the_smallest total value_of
     1 ^ a_positive circle color divide_the factor fifth integer_n natural natural_number number_n possible
     1 remainder_of representation_of set_of the_digit the_greatest the_least two_digit way year
  `,
  geometry: String.raw`
    12 \sin
    10 diameter
     9 \circ has_vertice
     8 line_y
     7 \triangle base the_surface volume with_vertice
     6 :figure :points \angle \odot \overrightarrow \perp acute altitude angle annulus arc area bisect bisector
     6 centroid cevian chord circle circumcenter circumcircle circumference circumradius circumscribed collinear
     6 concurrent concyclic cone congruent_triangle cross_section cube cuboid cyclic_quadrilateral cylinder
     6 degree_measure dodecahedron equilateral excircle exterior_angle externally_tangent frustum hemisphere hexagon
     6 homothety hypotenuse icosahedron incenter incircle inradius interior_angle internally_tangent isoscele kite
     6 lateral leg_of median_of midpoint nine_point obtuse octagon octahedron of_tangency orthocenter parallelogram
     6 pentagon perpendicular polygon polyhedron prism pyramid quadrilateral radius rectangle rhombus right_angle
     6 scalene sector semicircle shaded shaded_region similar_triangle slant space_diagonal sphere surface_area
     6 tangent_to tetrahedron trapezoid triangle trisect volume_of
     5 \tan centimeter diagonal graph_of length perimeter prime_positive right_triangle tall travel unit
     4 a_decimal abcd_has corner face inscribed
     3 cut cylindrical equation fraction interior median slope the_angle the_line vertice_of
     2 + \pi \sqrt coordinate foot positive_integer possible prime region side_of the_graph the_ratio
     1 a_square a_triangle at_random axis be_written center direction line many_square point radical radical_form
     1 side simplest_radical smallest square starting straight tangent term the_nearest vertex_of
  `,
  combinatorics: String.raw`
    17 \dbinom
    13 !
    12 probability
    11 \binom
     8 different
     7 digit
     6 \choose are_relatively arrange arrangement at_least ball bijection binomial_coefficient binomial_theorem
     6 bipartite card catalan checkerboard chessboard choose color_each colored coloring combination committee deck
     6 derangement dice die distinct_path distinguishable domino draw_two edge_coloring expansion_of expected
     6 expected_number expected_value fair_coin flip game graph_theory grid handshake hat identical_ball
     6 inclusion_exclusion independent_event indistinguishable knight lattice_path letter_in license_plate likely
     6 lottery many_way marble matching of_letter of_positive of_way outcome pascal path path_from permutation
     6 pigeonhole player probable random randomly rearrange roll rolled rook seated seating shuffle sit stirling
     6 strategy subset subset_of team tiling toss tournament triangle urn venn_diagram way winning_strategy
     6 with_replacement without_replacement word_that
     5 coefficient_of the_coefficient the_expansion
     4 :figure be_written digit_number distinct increasing is_divided the_total
     3 chosen_at coin drawn formed integer_are number_of vertice_are
     2 convex digit_is equal integer integer_that non odd pair palindrome same_color vertice
     1 \sqrt chosen cube greater_than inclusive many_integer many_positive order ordered positive sequence_of
     1 triangle_with
  `
}
