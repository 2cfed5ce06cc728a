package accesstest

import (
	"time"

	"sealpost/internal/access"
)

// clockIsSet moves the clock under sessions and a nonce: what has ended counts
// again for no longer than the jump, and what a clock far ahead has made does
// not outlive that.
func clockIsSet(s *story) {
	const day = 24 * time.Hour
	signedIn, given := s.enter("1", ""), s.credentials("2", "")
	at := func(offset time.Duration, live bool) {
		s.Helper()
		s.now = start.Add(offset)
		if _, err := s.who(signedIn); live {
			s.must(err)
		} else {
			s.refused(err, access.CodeUnauthorized)
		}
	}
	at(-time.Hour, true)
	at(access.SessionLife, false) // by the clock it ends when it was to
	at(access.SessionLife-time.Hour, true)
	at(access.SessionLife, true) // it was used within the jump, which is renewal
	at(2*access.SessionLife-time.Hour, false)

	s.now = start.Add(day)
	_, err := s.SignIn(s.ctx(), given)
	s.refused(err, access.CodeNonce)
	s.now = start
	_, err = s.SignIn(s.ctx(), given) // nobody has used it
	s.must(err)
	_, err = s.SignIn(s.ctx(), given)
	s.refused(err, access.CodeNonce)

	s.now = start.Add(day)
	signedIn = s.enter("3", "")
	at(0, true) // ahead by a day: as much longer
	s.now = start.Add(365 * day)
	signedIn = s.enter("3", "")
	at(0, false) // by a year: not at all
	at(day, false)
}
