package whatsapp

import "go.mau.fi/libsignal/logger"

// Prepare silences the logger of libsignal, which would print to the standard output and is made by whoever logs first, without a lock. A
// process calls it once, before anything else of this package. What libsignal has to tell comes as errors too.
func Prepare() {
	var silent logger.Loggable = quiet{}
	logger.Setup(&silent)
}

// quiet is a logger that drops everything. Its methods are those of logger.Loggable.
type quiet struct{}

func (quiet) Debug(string, string)   {}
func (quiet) Info(string, string)    {}
func (quiet) Warning(string, string) {}
func (quiet) Error(string, string)   {}
func (quiet) Configure(string)       {}
