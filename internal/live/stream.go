package live

// stream is one reader.
type stream struct {
	signals chan Signal // nil until it has joined
	early   []Signal    // what came before it has joined
	left    bool
}

// put never waits: a reader that is too slow loses what waits for it and gets a Reload.
func (s *stream) put(signal Signal) {
	if s.signals == nil {
		if len(s.early) == buffer {
			s.early = s.early[:0]
			signal = Signal{Cursor: signal.Cursor, Topic: Reload}
		}
		s.early = append(s.early, signal)
		return
	}
	select {
	case s.signals <- signal:
		return
	default:
	}
	for {
		select {
		case <-s.signals:
			continue
		default:
		}
		break
	}
	s.signals <- Signal{Cursor: signal.Cursor, Topic: Reload} // only this function adds, under the feed's lock
}
