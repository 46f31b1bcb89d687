package media

// Wait waits until the tries under way have ended.
func (s *Service) Wait() { s.running.Wait() }
