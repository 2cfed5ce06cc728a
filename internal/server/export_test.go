package server

// ClientAddress is tested by itself.
var ClientAddress = clientAddress

// HeldBodies is how many bytes of the budget for bodies are used.
func (s *Server) HeldBodies() int {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	return s.bodies.held
}
