package deliver

// standing is how a receiver is known to fare. It says how much of the room its
// lane may take.
type standing int

const (
	unknown standing = iota // nothing was answered yet
	failing                 // the last attempt failed
	proven                  // the last attempt succeeded
	standings
)

// room bounds the requests under way, over all lanes, so that receivers which
// take long never use up what the others need. Guarded by the engine's lock.
//
//   - Lanes that fail take no more than half of it together; with those that
//     are not known yet, three quarters. So there is always some left for
//     receivers that work.
//   - Once half is taken, each lane's window shrinks with what is free, down to
//     one request. So receivers that worked and now hang, thousands at once,
//     leave some too, long before their attempts have run out.
//   - Whoever finds none waits in line, and lines are served in the order in
//     which lanes came to them, with one request each: a lane that has more to
//     send goes to the end. Serving costs the same however many wait.
type room struct {
	most   int
	taken  [standings]int
	lines  [standings][]place
	ticket int64
}

// place is a lane's in a line. It is void when the lane has another ticket by
// now, or none.
type place struct {
	lane   *lane
	ticket int64
}

// takingLocked is how many requests are under way.
func (r *room) takingLocked() int { return r.taken[unknown] + r.taken[failing] + r.taken[proven] }

// hasLocked reports whether a lane of such a standing may start a request.
func (r *room) hasLocked(s standing) bool {
	doubtful := r.taken[failing] + r.taken[unknown]
	switch {
	case r.takingLocked() >= r.most:
		return false
	case s == failing:
		return r.taken[failing] < max(r.most/2, 1) && doubtful < max(r.most*3/4, 1)
	case s == unknown:
		return doubtful < max(r.most*3/4, 1)
	}
	return true
}

// windowLocked is what a lane's window comes to with what is free.
func (r *room) windowLocked(most int) int {
	half := max(r.most/2, 1)
	if free := r.most - r.takingLocked(); free < half {
		return max(most*free/half, 1)
	}
	return most
}

// awaitLocked has a lane wait in line.
func (r *room) awaitLocked(l *lane) {
	if l.ticket != 0 && l.line == l.standing {
		return
	}
	r.ticket++
	l.ticket, l.line = r.ticket, l.standing // in another line its place is void
	r.lines[l.line] = append(r.lines[l.line], place{l, l.ticket})
}

// firstLocked is the lane that has waited longest of those for which there is room;
// nil when there is none.
func (r *room) firstLocked() (longest *lane) {
	for s := range r.lines {
		if l := r.headLocked(standing(s)); l != nil && r.hasLocked(l.line) && (longest == nil || l.ticket < longest.ticket) {
			longest = l
		}
	}
	return longest
}

// headLocked is the first one in a line, past places that are void.
func (r *room) headLocked(s standing) *lane {
	for len(r.lines[s]) > 0 {
		if p := r.lines[s][0]; p.lane.ticket == p.ticket {
			return p.lane
		}
		r.lines[s][0] = place{}
		r.lines[s] = r.lines[s][1:]
	}
	return nil
}

// becomeLocked changes a lane's standing, and that of its requests under way.
func (l *lane) becomeLocked(s standing) {
	room := &l.engine.room
	room.taken[l.standing] -= l.inFlight
	l.standing = s
	room.taken[l.standing] += l.inFlight
}
