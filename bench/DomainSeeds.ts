// What a mathematician would say speaks for a domain, before any data: where FitDomainWords.ts starts from, and where it
// stays for words that the development half does not have often enough. Words are written as `wordsOf` makes them.
export const seeds = {
  geometry: String.raw`
    triangle circle angle perpendicular tangent chord arc circumcircle incircle excircle circumcenter incenter orthocenter
    centroid circumradius inradius midpoint bisector altitude median_of hypotenuse leg_of isoscele equilateral scalene
    quadrilateral trapezoid parallelogram rhombus rectangle kite pentagon hexagon octagon polygon polyhedron tetrahedron
    octahedron dodecahedron icosahedron cube sphere cone cylinder pyramid prism frustum hemisphere cuboid
    radius diameter circumference perimeter area surface_area volume_of inscribed circumscribed collinear concyclic
    cyclic_quadrilateral concurrent homothety similar_triangle congruent_triangle diagonal vertice_of degree_measure
    right_triangle right_angle acute obtuse \angle \triangle \perp \overline \overrightarrow \odot :points :figure
    semicircle sector annulus tangent_to externally_tangent internally_tangent parallel_to of_tangency bisect trisect
    cross_section lateral slant space_diagonal shaded shaded_region interior_angle exterior_angle cevian nine_point`,
  number_theory: String.raw`
    divisible divisor divide remainder modulo \pmod \bmod \equiv \mod congruent_to congruence prime composite gcd lcm \gcd
    common_divisor common_factor common_multiple least_common greatest_common relatively_prime coprime prime_factorization
    prime_factor prime_number factorization totient quadratic_residue residue diophantine integer_solution perfect_square
    perfect_cube perfect_number unit_digit one_digit ten_digit last_digit last_two two_digit three_digit digit_of base in_base base_number
    positive_factor positive_divisor multiple_of palindrome repeating_decimal terminating_decimal decimal_expansion
    trailing_zero divisibility p_adic highest_power odd_integer even_integer consecutive_integer
    pythagorean_triple fibonacci_number fermat wilson modular_inverse modular binary hexadecimal of_digit \mid \nmid`,
  combinatorics: String.raw`
    many_way many_way of_way of_way way probability probable random at_random randomly arrange arrangement
    permutation combination choose chosen chosen_at \binom \dbinom \choose committee subset subset_of coin dice die fair_coin
    flip toss roll rolled expected_value expected_number expected outcome bijection graph_theory edge_coloring
    bipartite matching pigeonhole inclusion_exclusion lattice_path path distinct_path coloring color_each colored card deck
    shuffle marble ball draw_two without_replacement with_replacement seated seating sit handshake tournament game player
    team indistinguishable distinguishable identical_ball word_that rearrange letter_in license_plate catalan stirling
    derangement pascal binomial_theorem binomial_coefficient expansion_of venn_diagram path_from grid checkerboard chessboard
    tiling domino knight rook winning_strategy strategy of_letter hat urn lottery likely independent_event`,
  algebra: String.raw`
    polynomial quadratic cubic quartic root_of coefficient equation system_of inequality function f_x \log \ln \sin \cos \tan
    \cot \sec \csc \theta \sum \prod asymptote domain_of range_of inverse_function inverse_of matrix determinant trace
    eigenvalue vector \mathbf \begin complex_number imaginary real_number real_root solve solve_for evaluate simplify expression factor_the
    expand slope intercept y_intercept x_intercept parabola ellipse hyperbola vertex_of graph_of geometric_sequence
    arithmetic_sequence geometric_serie arithmetic_serie sequence_defined recurrence functional_equation logarithm exponent
    exponential absolute_value floor ceiling \lfloor \lceil percent % cost price dollar interest average mean speed mile hour
    rate ratio proportion variable monic degree_of continuous piecewise linear equation_of directrix foci rational_function
    am_gm cauchy_schwarz jensen schur telescoping partial_fraction of_unity de_moivre trigonometric identity
    dot_product cross_product projection_of angle_between maximum_value minimum_value satisfy_the
    \times \div \arcsin \arccos \arctan arithmetic how_old year_old age total twice_as time_as as_many buy bought sell sold
    pay paid earn save money cent profit discount tax gallon quart pint cup pound ounce ton minute week weigh mph increased_by
    decreased_by more_than fewer_than half_of mix mixture solution_of`
} as const
/** Words that serve grammar, or tell how a question is asked: no rule is made of them alone or of two of them. */
export const silent = new Set(
  `
  a an the this that these those it its he she they them their his her him we you i me my your our and or but nor not no
  if then than so as at by for from in into of on onto to with without within between over under up down out off about
  is are was were be been being am do does did doe have has had having will would can could may might must shall should
  there here where when while what which who whom whose why how let given find compute determine calculate evaluate what_is
  all any both each every either neither some many much more most less few several such same other another only also
  just now again one two three four five six seven eight nine ten first second third last next said wa hi thi
  answer express expres please note show shown following above below because since after before during until get got go
  using use denote enter example pattern box walk people class placed receive calculator student member high across
  form top per property certain contain long lottery likely player interest fee
  s t nd rd th it_s x y z a b c d e f g h j k l m n o p q r u v w text textbf textit mathrm qquad quad assume suppose
`.split(/\s+/).filter((word) => word !== "")
)
