package access

import (
	"sync/atomic"
	"time"
)

// Service carries out the use cases of sign-in and of organizations.
type Service struct {
	Store  Store
	Policy Policy
	Now    func() time.Time

	key atomic.Pointer[[]byte] // see nonceKey
}
