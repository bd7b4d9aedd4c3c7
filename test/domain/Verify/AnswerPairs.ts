// Pairs of a reference answer and another one, and whether they are the same; by the kind of answer. All bare.

export const equalPairs: Readonly<Record<string, ReadonlyArray<readonly [string, string]>>> = {
  integers: [
    ["7", "7.0"],
    ["7", "+7"],
    ["7", "007"],
    ["0", "-0"],
    ["12", "\\boxed{12}"],
    ["-5", "−5"],
    ["42", "4\u200B2"],
    ["42", "４２"],
    ["120", "5!"],
    ["120", "\\binom{10}{3}"],
    ["8", "4!!"],
    ["1000", "1e3"],
    ["0.001", "1\\times 10^{-3}"],
    ["1024", "2^10"],
    ["1024", "2**10"]
  ],
  thousands: [["1234567", "1,234,567"], ["1234567", "1{,}234{,}567"], ["1234567", "1\\,234\\,567"], [
    "1234567",
    "1 234 567"
  ], ["1234567", "1,\\!234,\\!567"]],
  fractions: [
    ["1/2", "\\frac12"],
    ["1/2", "0.5"],
    ["\\frac{1}{2}", "½"],
    ["3/2", "1½"],
    ["3/2", "1\\frac{1}{2}"],
    ["3/2", "1 1/2"],
    ["-\\frac{1}{2}", "\\frac{-1}{2}"],
    ["-3/2", "-1\\frac12"],
    ["3/4", "\\frac{75}{100}"],
    ["\\frac{2}{3}", "\\left(\\frac{3}{2}\\right)^{-1}"],
    ["1/3", "0.\\overline{3}"],
    ["1/3", "0.(3)"],
    ["1/6", "0.1\\overline{6}"],
    ["1/3", "0.333..."],
    ["1/7", "0.\\overline{142857}"],
    ["1/3", "0.333333"]
  ],
  percent: [["50\\%", "0.5"], ["50\\%", "50"], ["0.5", "50\\%"], ["3/4", "75%"], ["12.5\\%", "\\frac{1}{8}"]],
  units: [
    ["5", "5\\text{ cm}"],
    ["5\\text{ cm}", "5"],
    ["5 cm", "5\\ \\mathrm{cm}"],
    ["12", "\\$12"],
    ["12.00", "$12"],
    ["5\\text{ km}", "5000\\text{ m}"],
    ["2\\text{ hours}", "120\\text{ minutes}"],
    ["90^\\circ", "90"],
    ["90^\\circ", "90°"],
    ["180^\\circ", "\\pi"],
    ["3\\text{ square feet}", "3\\text{ ft}^2"],
    ["125\\text{ miles}", "125"],
    ["12\\text{ apples}", "12"],
    ["10 \\text{ mph}", "10"]
  ],
  roots: [
    ["\\sqrt{8}", "2\\sqrt{2}"],
    ["\\sqrt2", "\\sqrt{2}"],
    ["\\frac{\\sqrt2}{2}", "\\frac{1}{\\sqrt2}"],
    ["2", "\\sqrt[3]{8}"],
    ["-2", "\\sqrt[3]{-8}"],
    ["\\sqrt{3}", "3^{1/2}"],
    ["2^{1/3}", "\\sqrt[3]{2}"],
    ["1+\\sqrt2", "\\sqrt{3+2\\sqrt2}"],
    ["\\sqrt{2}", "sqrt(2)"],
    ["√5", "\\sqrt{5}"]
  ],
  constants: [
    ["\\pi/2", "π/2"],
    ["2\\pi", "\\tau - \\tau + 2\\pi"],
    ["e", "\\exp(1)"],
    ["\\ln 6", "\\ln 2 + \\ln 3"],
    ["3", "\\log_2 8"],
    ["2", "\\log_{10} 100"],
    ["\\frac{\\pi}{6}", "\\arcsin \\frac12"],
    ["\\frac{\\pi}{4}", "\\tan^{-1}(1)"],
    ["\\frac{\\sqrt3}{2}", "\\sin 60^\\circ"],
    ["-1", "e^{i\\pi}"],
    ["-1", "i^2"],
    ["1", "\\sin^2 1 + \\cos^2 1"],
    ["\\infty", "+\\infty"],
    ["1/2", "\\cos\\frac{\\pi}{3}"]
  ],
  complex: [["3+4i", "4i+3"], ["\\frac{1+i}{2}", "\\frac{1}{1-i}"], ["2i", "\\sqrt{-4}"], ["5", "|3+4i|"], [
    "-2+2i",
    "(1+i)^3"
  ]],
  polynomials: [
    ["x^2-1", "(x-1)(x+1)"],
    ["(x+y)^3", "x^3+3x^2y+3xy^2+y^3"],
    ["x^2+2x+1", "x^2 + 2*x + 1"],
    ["\\frac{n(n+1)}{2}", "\\frac12 n^2+\\frac12 n"],
    ["x+1", "\\frac{x^2-1}{x-1}"],
    ["4/3-7x/6", "\\frac{8-7x}{6}"],
    ["x_1+x_2", "x_2+x_1"],
    ["a^2b", "b a^2"],
    ["0.5x", "x/2"],
    ["(x+1)^{1000000000}", "(1+x)^{1000000000}"],
    ["\\frac{n(n+1)}{2}", "\\sum_{k=1}^n k"],
    ["\\binom{n}{2}", "\\frac{n(n-1)}{2}"]
  ],
  identities: [
    ["\\sin 2x", "2\\sin x\\cos x"],
    ["\\cos 2x", "1-2\\sin^2 x"],
    ["\\tan x", "\\frac{\\sin x}{\\cos x}"],
    ["|x|", "\\sqrt{x^2}"],
    ["\\ln(ab)", "\\ln a+\\ln b"],
    ["e^{x+y}", "e^x e^y"],
    ["2^{x+1}", "2\\cdot 2^x"],
    ["\\sin(90^\\circ-x)", "\\cos x"],
    ["\\sinh x", "\\frac{e^x-e^{-x}}{2}"]
  ],
  lists: [
    ["1,2", "2,1"],
    ["1, 2", "1 \\text{ and } 2"],
    ["x=1, x=2", "1, 2"],
    ["x = 1 \\text{ or } x = 2", "x=2, x=1"],
    ["\\pm 3", "3, -3"],
    ["x=\\pm 2", "-2, 2"],
    ["1\\pm\\sqrt2", "1-\\sqrt2, 1+\\sqrt2"],
    ["\\{1,2\\}", "\\{2,1\\}"],
    ["\\{1,1,2\\}", "\\{1,2\\}"],
    ["\\{1,2\\}\\cup\\{3\\}", "\\{3,2,1\\}"],
    ["a=1, b=2", "b=2, a=1"],
    ["p=5,q=2;p=7,q=2", "(5,2),(7,2)"],
    ["\\emptyset", "\\{\\}"],
    ["{1,2,3}", "\\{3,1,2\\}"]
  ],
  tuples: [
    ["(1,2)", "\\left(1, 2\\right)"],
    ["(1, \\frac92)", "(1,4.5)"],
    ["(p,q)=(3,2)", "(3,2)"],
    ["(p,q)=(3,2)", "q=2, p=3"],
    ["\\langle 1,2\\rangle", "(1,2)"],
    ["(1,2)", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"]
  ],
  intervals: [
    ["[0,1)", "[0,1["],
    ["(3,\\infty)", "(3,+\\infty)"],
    ["x>3", "(3,\\infty)"],
    ["x>3", "3<x"],
    ["-1\\le x<2", "[-1,2)"],
    ["x \\in [0,1]", "[0,1]"],
    ["(-\\infty,3)\\cup(3,\\infty)", "\\mathbb{R}\\setminus\\{3\\}"],
    ["[1,3]", "[1,2]\\cup[2,3]"],
    ["\\mathbb{R}", "(-\\infty,\\infty)"],
    ["x\\ne 2", "(-\\infty,2)\\cup(2,\\infty)"],
    ["\\{x \\mid x>3\\}", "(3,\\infty)"],
    ["x<1 \\text{ or } x>3", "(-\\infty,1)\\cup(3,\\infty)"],
    ["|x|<2", "(-2,2)"],
    ["x\\ge 5", "x >= 5"],
    ["(a,b]", "(a, b]"]
  ],
  relations: [
    ["y=2x+1", "2x-y+1=0"],
    ["y=2x+1", "4x-2y=-2"],
    ["x^2/4+y^2/3=1", "3x^2+4y^2=12"],
    ["f(x)=x^2", "x^2"],
    ["x^2", "f(x)=x^2"],
    ["-x>-1", "x<1"],
    ["x\\equiv 3\\pmod 7", "x \\equiv 10 \\pmod{7}"],
    ["k=1", "1"],
    ["5", "2+3=5"],
    ["13", "x=6+7=13"],
    ["\\frac13", "x=\\frac13\\approx 0.33"]
  ],
  matrices: [
    ["\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}"],
    ["\\begin{pmatrix}\\frac12&0\\\\0&1\\end{pmatrix}", "\\frac12\\begin{pmatrix}1&0\\\\0&2\\end{pmatrix}"],
    ["\\begin{pmatrix}6&8\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}+\\begin{pmatrix}5&6\\end{pmatrix}"],
    ["-2", "\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}"]
  ],
  ratios: [["\\frac34", "3:4"], ["3:4", "6:8"], ["1:2:3", "2:4:6"], ["12:00", "12:00"], [
    "20:34",
    "8:34 \\text{ p.m.}"
  ]],
  bases: [["1011_2", "11"], ["204_5", "204_{5}"], ["\\text{A5}_{11}", "A5_{11}"], ["4210_{7}", "4210_7"], [
    "52_8",
    "42"
  ]],
  big: [
    ["2^{2004}", "4^{1002}"],
    ["3^{100000}", "9^{50000}"],
    ["100!", "100\\cdot 99!"],
    ["10^{100}", "10^{99}\\cdot 10"],
    ["5000", "1".padEnd(9999, "+1")],
    ["2^{10^{18}}", "4^{5\\cdot 10^{17}}"]
  ],
  words: [
    ["\\text{Yes}", "yes"],
    ["\\text{Evelyn}", "Evelyn"],
    ["odd", "\\text{odd}"],
    ["\\text{(C)}", "C"],
    ["C", "(C)"],
    ["\\text{(C)}", "\\textbf{(C)}\\ 12"],
    ["\\text{east}", "East."]
  ],
  calculus: [
    ["\\frac12", "\\int_0^1 x\\,dx"],
    ["55", "\\sum_{k=1}^{10} k"],
    ["1", "\\lim_{x\\to 0}\\frac{\\sin x}{x} = 1"],
    ["2", "\\int_0^{\\pi} \\sin x\\,dx"],
    ["24", "\\prod_{k=1}^{4} k"]
  ],
  plusMinus: [
    ["0,\\pm1", "-1,0,1"],
    ["\\pm1,\\pm2", "-2,-1,1,2"],
    ["1\\pm i,5", "5,1+i,1-i"],
    ["(\\pm3,0)", "(3,0),(-3,0)"],
    ["\\pm1\\pm\\sqrt2", "1+\\sqrt2,1-\\sqrt2,-1+\\sqrt2,-1-\\sqrt2"],
    ["|x|=3", "x=3,x=-3"],
    ["x\\in\\{\\pm1,\\pm2\\}", "-2,-1,1,2"]
  ],
  roundings: [["\\lceil n/2\\rceil", "\\lfloor (n+1)/2\\rfloor"], [
    "\\lfloor n^2/4\\rfloor",
    "\\lfloor n/2\\rfloor\\lceil n/2\\rceil"
  ], ["|n-10|", "\\sqrt{(n-10)^2}"]],
  named: [
    ["(1,2)", "y=2,x=1"],
    ["(0,0)", "x=y=0"],
    ["(1,1,1)", "a=b=c=1"],
    ["7", "m+n=7"],
    ["f^{-1}(x)=2x+3", "2x+3"],
    ["f(x)+f(y)", "f(y)+f(x)"]
  ],
  clauses: [
    ["x=\\frac\\pi4+k\\pi,k\\in\\mathbb Z", "x=k\\pi+\\frac{\\pi}{4}\\ (k\\in\\mathbb{Z})"],
    ["x=\\frac\\pi4+k\\pi,k\\in\\mathbb Z", "x=\\frac\\pi4+n\\pi, n\\in\\mathbb Z"],
    ["f(x)=x", "f(x)=x \\text{ for all }x"],
    ["2n-1", "2n-1\\text{ for all }n\\ge1"]
  ],
  written: [
    ["12", "\\textbf{(A)}\\ 12"],
    ["\\emptyset", "\\text{no solution}"],
    ["\\mathbb{R}", "\\text{all real numbers}"],
    ["5", "five"],
    ["\\text{Yes}", "\\text{Yes, it is possible}"],
    ["\\binom{10}{3}", "{10 \\choose 3}"],
    ["\\frac35", "{3\\over5}"],
    ["11", "(1011)_2"],
    ["7", "\\begin{aligned}x&=3+4\\\\&=7\\end{aligned}"],
    ["5", "5\\checkmark"]
  ],
  units2: [
    ["2000000", "2\\text{ million}"],
    ["66\\text{ inches}", "5\\text{ feet }6\\text{ inches}"],
    ["9.8", "9.8\\ \\mathrm{m/s^2}"],
    ["5", "5\\mathrm{~cm}^2"],
    ["\\frac{\\ln 2}{2}", "\\ln 2/2"],
    ["\\frac{\\pi}{4}-\\frac{\\ln 2}{2}", "\\pi/4-\\ln 2/2"],
    ["3", "\\log 8/\\log 2"]
  ],
  connectives: [["1<x\\text{ and }x<3", "1<x<3"], ["x>1,x<3", "1<x<3"], ["x<1,x>3", "x<1\\text{ or }x>3"]]
}

export const differentPairs: Readonly<Record<string, ReadonlyArray<readonly [string, string]>>> = {
  numbers: [
    ["7", "7.5"],
    ["5", "5.001"],
    ["123456789", "123456788"],
    ["1/3", "0.333"],
    ["1/3", "0.34"],
    ["0.000000001", "0.000000002"],
    ["5", "-5"],
    ["5", "1/5"],
    ["\\frac12", "12"],
    ["2\\frac12", "1"],
    ["1.234", "1,234"],
    ["\\pi", "3.14"],
    ["\\pi", "\\frac{22}{7}"],
    ["2", "2x"],
    ["1000", "100"],
    ["0.5", "5"],
    ["12", "12_5"],
    ["\\frac{1}{0}", "0"],
    ["5", "\\frac50"],
    ["0", "\\infty"],
    ["\\infty", "-\\infty"],
    ["2^{2008}-2", "1.23"]
  ],
  big: [
    ["2^{1000}", "2^{1000}+1"],
    ["10^{100}", "10^{100}+1"],
    ["100!", "100!+1"],
    ["\\frac{1}{2004!}", "\\frac{1}{2006!}"],
    ["5", "(10^9)!"],
    ["5", "9^{9^{9^9}}"],
    ["\\sqrt{10^{20}+1}", "10^{10}"],
    ["e^{\\pi\\sqrt{163}}", "262537412640768744"]
  ],
  units: [
    ["5\\text{ cm}", "5\\text{ m}"],
    ["5\\text{ cm}", "5\\text{ kg}"],
    ["12:30", "12:31"],
    ["12:00", "1:00"],
    ["3:4", "4:3"],
    ["90^\\circ", "89^\\circ"],
    ["50\\%", "5"],
    ["1011_2", "1101_2"]
  ],
  sets: [
    ["(1,2)", "(2,1)"],
    ["\\{1,2\\}", "\\{1,2,3\\}"],
    ["\\{1,2,3\\}", "\\{1,2\\}"],
    ["\\pm 3", "3"],
    ["1,2", "1"],
    ["3", "1,2,3"],
    ["\\emptyset", "0"],
    ["\\{0\\}", "\\emptyset"],
    ["-2,1", "(1,-2)"],
    ["a=1, b=2", "a=2, b=1"],
    ["(5,2),(7,3)", "(5,3),(7,2)"],
    ["p=5,q=2;p=7,q=3", "p=5,q=3;p=7,q=2"]
  ],
  intervals: [
    ["x>3", "x\\ge 3"],
    ["[0,1)", "(0,1]"],
    ["(0,1)", "[0,1]"],
    ["(0,1)", "(0,1.5)"],
    ["[1,3]", "[1,2]\\cup(2,3]".replace("[1,2]", "[1,2)")],
    ["x<1", "x>-1"],
    ["(3,\\infty)", "[3,\\infty)"],
    ["\\mathbb{R}", "\\mathbb{R}\\setminus\\{0\\}"],
    ["x > 3", "y > 3"]
  ],
  expressions: [
    ["x^2-1", "x^2+1"],
    ["(x+y)^3", "x^3+3x^2y+3xy^2+2y^3"],
    ["x", "y"],
    ["x", "\\sqrt{x^2}"],
    ["3+4i", "3-4i"],
    ["\\sin x", "\\cos x"],
    ["1-\\frac1e", "1+\\frac1e"],
    ["x^2", "x=x"],
    ["x", "|x|"],
    ["(a+5)(b+2)", "(+5)(b+2)"],
    ["x+2n+1", "x+1"],
    ["\\sin 2x", "2\\sin x"]
  ],
  relations: [
    ["5x-7y+11z+4=0", "x+y-z+2=0"],
    ["2x+z=1", "1"],
    ["a^2+b=0", "0"],
    ["x\\equiv 3\\pmod 7", "x\\equiv 3\\pmod 5"],
    ["x\\equiv 3\\pmod 7", "x\\equiv 4\\pmod 7"],
    ["\\sin x = \\frac{42}{59}", "\\cos x = \\frac{42}{59}"],
    ["x=3", "x=4"]
  ],
  matrices: [["\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\0&0\\end{pmatrix}"], [
    "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
    "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}"
  ]],
  words: [
    ["\\text{Yes}", "no"],
    ["odd", "oddd"],
    ["\\text{east}", "\\text{seat}"],
    ["C", "(D)"],
    ["\\text{(C)}", "E"],
    ["5", "process.exit(0)"],
    ["5", "constructor"],
    ["5", "__proto__"],
    ["5", "\\write18{touch x}"],
    ["5", "five hundred"]
  ],
  approximate: [
    ["\\sqrt2\\approx1.41", "\\sqrt3\\approx1.73"],
    ["2>1", "3>2"],
    ["123456789012345678.0", "123456789012345679.0"],
    ["0.0000001x", "0.0000002x"],
    ["10^{-13}\\sqrt x", "2\\cdot10^{-13}\\sqrt x"],
    ["10^{-100}\\sqrt2", "2\\cdot10^{-100}\\sqrt2"],
    ["1 2", "2"],
    ["6", "2 3"]
  ],
  letters: [
    ["abc", "a-bc"],
    ["a-b-c", "a-(b-c)"],
    ["xyz", "x-y-z"],
    ["abc!", "abc"],
    ["BAC", "CAB"],
    ["f(g(x))", "g(f(x))"],
    ["f(x+y)", "f(x)+f(y)"],
    ["f(0)", "0"],
    ["\\text{2.5 cm}", "\\text{25 cm}"],
    ["\\text{-5 degrees}", "\\text{5 degrees}"],
    ["\\text{x > 1}", "\\text{x < 1}"],
    ["\\text{C++}", "\\text{C}"],
    ["\\text{(E)}", "\\text{(E)}-1"]
  ],
  sides: [
    ["x>3", "(3,x)"],
    ["a<b<c", "(c,b,a)"],
    ["x+y=3", "3,x+y"],
    ["x\\ne2", "2,x"],
    ["xy=6", "x=6"],
    ["|x|=3", "x=3"],
    ["a=1,b=2", "(b,a)=(1,2)"],
    ["(1,2)", "y=1,x=2"],
    ["1,1,2", "1,2,2"],
    ["(18,-18)", "[18,-18)"],
    ["x<1\\text{ or }x>2", "x<1\\text{ and }x>2"],
    ["\\{n^2:n\\in\\mathbb N\\}", "\\{n:n\\in\\mathbb N\\}"]
  ],
  pieces: [
    ["|x-3|", "3-x"],
    ["|x+5|", "x+5"],
    ["\\sqrt{(x+3)^2}", "x+3"],
    ["\\max(x,-5)", "x"],
    ["\\min(n,20)", "n"],
    ["|xy|", "xy"],
    ["x+y+|z|", "x+y+z"],
    ["\\lfloor n/2\\rfloor", "\\lceil n/2\\rceil-1"],
    ["\\lfloor x\\rfloor", "\\lceil x\\rceil-1"],
    [
      "\\begin{cases}1&n\\text{ even}\\\\0&n\\text{ odd}\\end{cases}",
      "\\begin{cases}0&n\\text{ even}\\\\1&n\\text{ odd}\\end{cases}"
    ]
  ],
  counted: [
    ["2\\text{ million}", "2\\text{ billion}"],
    ["5", "5\\text{ dozen}"],
    ["5", "5\\text{ factorial}"],
    ["7", "\\text{at least }7"],
    ["5\\text{ feet }6\\text{ inches}", "6\\text{ feet }5\\text{ inches}"],
    ["n\\text{ not divisible by }4", "n\\text{ divisible by }4"],
    ["6\\text{ to }1", "6"],
    ["0", "\\ln 2/2"]
  ]
}
