package labels

// Most of these labels are COCO's supercategories. COCO's "indoor" and "outdoor" are missing, because they say little
// about an object.
var kinds = map[string]string{
	"Bicycle": vehicle, "Car": vehicle, "Motorcycle": vehicle, "Airplane": vehicle, "Bus": vehicle, "Train": vehicle, "Truck": vehicle, "Boat": vehicle,
	"Bird": animal, "Cat": animal, "Dog": animal, "Horse": animal, "Sheep": animal, "Cow": animal, "Elephant": animal, "Bear": animal, "Zebra": animal, "Giraffe": animal,
	"Backpack": accessory, "Umbrella": accessory, "Handbag": accessory, "Tie": accessory, "Suitcase": accessory,
	"Frisbee": sport, "Skis": sport, "Snowboard": sport, "Sports ball": sport, "Kite": sport, "Baseball bat": sport, "Baseball glove": sport,
	"Skateboard": sport, "Surfboard": sport, "Tennis racket": sport,
	"Bottle": tableware, "Wine glass": tableware, "Cup": tableware, "Fork": tableware, "Knife": tableware, "Spoon": tableware, "Bowl": tableware,
	"Banana": food, "Apple": food, "Sandwich": food, "Orange": food, "Broccoli": food, "Carrot": food, "Hot dog": food, "Pizza": food, "Donut": food, "Cake": food,
	"Chair": furniture, "Couch": furniture, "Bed": furniture, "Dining table": furniture, "Bench": furniture,
	"TV": electronics, "Laptop": electronics, "Computer mouse": electronics, "Remote control": electronics, "Computer keyboard": electronics, "Cell phone": electronics,
	"Microwave": appliance, "Oven": appliance, "Toaster": appliance, "Refrigerator": appliance, "Hair dryer": appliance,
}

const (
	vehicle     = "Vehicle"
	animal      = "Animal"
	accessory   = "Fashion accessory"
	sport       = "Sports equipment"
	tableware   = "Tableware"
	food        = "Food"
	furniture   = "Furniture"
	electronics = "Electronics"
	appliance   = "Home appliance"
)
