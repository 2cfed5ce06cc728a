package signature

// Bounds on one explanation. They count work, never time: the result is the same
// on every machine.
const (
	MaxTrials = 4096      // values recomputed
	MaxWork   = 512 << 20 // bytes hashed and transformed
)

// transformCost is how many bytes of work one byte of a transformed body counts:
// writing JSON takes some twelve times as long as hashing.
const transformCost = 12

// budget is what is left of the bounds.
type budget struct {
	trials int
	work   int
}

func newBudget() budget { return budget{trials: MaxTrials, work: MaxWork} }

// going reports whether work is left.
func (b *budget) going() bool { return b.work > 0 }

// share sets aside all but one of n parts of what is left, until the function
// that it returns is called.
func (b *budget) share(n int) (restore func()) {
	trials, work := b.trials-b.trials/n, b.work-b.work/n
	b.trials -= trials
	b.work -= work
	return func() { b.trials += trials; b.work += work }
}

// spent reports whether a bound was reached.
func (b *budget) spent() bool { return b.work <= 0 || b.trials <= 0 }

// spend takes one trial over so many bytes.
func (b *budget) spend(bytes int) bool {
	if b.spent() {
		return false
	}
	b.trials--
	b.work -= bytes + 64
	return true
}

// transform takes the work of making so many bytes.
func (b *budget) transform(bytes int) bool {
	if b.work <= 0 {
		return false
	}
	b.work -= transformCost * bytes
	return true
}
