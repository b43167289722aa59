package amqp

// Error is an AMQP error, part 2, section 2.8.14.
type Error struct {
	Condition   string
	Description string
	Info        Map
}

func (e *Error) Error() string { return e.Condition + ": " + e.Description }

func (e *Error) value() any {
	if e == nil {
		return nil
	}
	return Described{uint64(codeError), List{Symbol(e.Condition), e.Description, mapOrNull(e.Info)}}
}

func parseError(value any) *Error {
	code, fields := Fields(value)
	if code != codeError {
		return nil
	}
	e := &Error{Condition: Text(fields.At(0)), Description: Text(fields.At(1))}
	e.Info, _ = fields.At(2).(Map)
	return e
}

// RejectedError returns the error inside a rejected outcome, nil without one.
func RejectedError(fields List) *Error { return parseError(fields.At(0)) }
