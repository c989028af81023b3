package command

import (
	"bytes"
	"encoding/hex"
	"encoding/json"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// object is a JSON object whose members keep their order.
type object []objectMember

type objectMember struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, m := range o {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		out.WriteByte(before)
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	if len(o) == 0 {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// plainMessage is a message as JSON for programs: every field under its name in the
// schema, also those that are zero, 64-bit numbers as numbers, bytes in hexadecimal, and
// null where a message is absent. (protojson would write 64-bit numbers as text.)
func plainMessage(m protoreflect.Message) object {
	fields := m.Descriptor().Fields()
	out := object{}
	for i := range fields.Len() {
		field := fields.Get(i)
		out = append(out, objectMember{string(field.Name()), plainField(m, field)})
	}
	return out
}

func plainField(m protoreflect.Message, field protoreflect.FieldDescriptor) any {
	value := m.Get(field)
	switch {
	case field.IsMap():
		values := map[string]any{}
		value.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			values[k.String()] = plainValue(v)
			return true
		})
		return values
	case field.IsList():
		values := []any{}
		for i := range value.List().Len() {
			values = append(values, plainValue(value.List().Get(i)))
		}
		return values
	case field.HasPresence() && !m.Has(field):
		return nil
	}
	return plainValue(value)
}

func plainValue(v protoreflect.Value) any {
	switch v := v.Interface().(type) {
	case protoreflect.Message:
		return plainMessage(v)
	case []byte:
		return hex.EncodeToString(v)
	default:
		return v
	}
}
