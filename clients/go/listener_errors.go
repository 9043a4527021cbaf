package surehook

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent says that trying again would not help. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}
