package sandbox

// The two halves of a default container name. Surnames are of people whose
// work computing, mathematics, science and engineering stand on.
const (
	adjectives = `
		able agile alert amber apt ardent artful astute atomic awake balmy bold brave breezy
		bright brisk bubbly calm candid careful cheery chipper civil clear clever coastal cosmic cosy
		crisp curious daring dapper deft diligent dreamy eager earnest easy electric elegant epic even
		exact fair fancy fearless festive fleet fluent fond frank fresh frosty funny gallant gentle
		gifted glad gleaming golden graceful grand green handy happy hardy hearty helpful honest
		hopeful humble hungry icy ideal inventive jaunty jolly jovial keen kind lively logical loyal
		lucid lucky lunar magnetic mellow merry mighty mindful modest musing neat nifty nimble noble
		orderly patient peppy placid playful plucky polar polite proud prudent punctual quick quiet
		quirky radiant rapid ready regal relaxed robust rosy sage serene sharp silent silver sincere
		sleepy smiling snappy solar solid spry stable steady stellar stoic sunny supple swift tender
		thrifty tidy tranquil trusty upbeat valiant vibrant vigilant vivid warm wary wise witty wonder
		worthy zealous zesty zippy`
	surnames = `
		abel agnesi aho allen ampere andreessen archimedes babbage backus baran bardeen bartik bell
		bernoulli bessel bhabha blackwell bohr boltzmann boole borg bose boyle brahmagupta brattain bush
		cantor carson cauchy cerf chandrasekhar church clarke codd cohen conway cooper copernicus
		cori cray curie dahl darwin davies dijkstra diophantus dirac easley eckert edison einstein
		elion engelbart eratosthenes erdos euclid euler faraday fermat fermi feynman fibonacci
		flowers fourier franklin galileo galois gauss germain goldberg goodall granville haber hamilton
		hamming hawking heisenberg hero herschel hertz hilbert hoare hodgkin holberton hooke hopper
		huffman huygens hypatia iverson jacquard jennings joliot kahn kalman kay kepler kernighan
		khayyam khwarizmi kilby kirch knuth kolmogorov kovalevskaya lagrange lamarr lamport laplace
		leibniz liskov lovelace mandelbrot marconi maxwell mccarthy meitner mendel mendeleev mersenne
		milner minsky mirzakhani morse napier nash naur newell newton nightingale nobel noether
		noyce nygaard ohm pascal pasteur pauling perlis planck poincare postel ptolemy raman ramanujan
		ritchie rubin rutherford shannon shaw shockley simon sinoussi snyder spence steinmetz stevin
		stroustrup swirles tarski tesla thompson torvalds turing vaughan volta wallis watt weyl wiles
		wilkes wilson wing wirth wozniak wright wu yalow yonath zuse`
)
